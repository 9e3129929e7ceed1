"""The page of one batch: facts, its log, its end; in a real Chromium."""

import pytest
from proxy import Proxy
from webdriver import ENTER, ESCAPE

NUMBERS = "return [...document.querySelectorAll('.lines .line')].map((e) => Number(e.dataset.n))"
AT_END = "const b = document.querySelector('.box'); return b.scrollHeight - b.scrollTop - b.clientHeight < 24"


def lines(browser):
    return browser.run("return [...document.querySelectorAll('.lines .line')].map((e) => e.textContent)")


def bounds(browser):
    numbers = browser.run(NUMBERS)
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
    return (numbers[0], numbers[-1]) if numbers else None


def test_a_finished_batch_shows_its_whole_log_and_rests(browser, gateway, url):
    batch, _, _ = gateway.run("echo=one", "echo=", "err=two", name="job")
    browser.open(f"{url}/ui/batch/{batch}")
    browser.until(lambda: lines(browser) == ["one", "", "two"], "three lines")
    browser.until(lambda: browser.text("#pulse") == "No more changes", "the rest")
    assert bounds(browser) == (1, 3)
    assert browser.text(".log .place") == "Lines 1\u20133 of 3"
    assert browser.run("return document.title") == f"success \u00b7 Batch {batch} \u00b7 job"
    assert "job" in browser.text(".head") and "success" in browser.text(".head")


def test_a_batch_is_found_by_its_name(browser, gateway, url):
    gateway.run("echo=hello", name="by name/ä")
    browser.open(f"{url}/ui/batch/by%20name%2F%C3%A4")
    browser.until(lambda: lines(browser) == ["hello"], "its log")


def test_a_running_log_follows_and_ends_complete(browser, gateway, url):
    out, go = gateway.files / "out", gateway.files / "go"
    out.write_text("last\n")
    batch = gateway.submit("lines=300", f"wait={go}", f"cat={out}")
    browser.open(f"{url}/ui/batch/{batch}")
    browser.until(lambda: bounds(browser) == (1, 300), "the first lines")
    browser.until(lambda: browser.run(AT_END), "the view at the end")
    go.touch()
    browser.until(lambda: lines(browser)[-1] == "last", "the last line")
    browser.until_text(".head", "success")
    assert browser.run(AT_END)
    assert bounds(browser) == (1, 301)
    browser.until(lambda: browser.text("#pulse") == "No more changes", "the rest")


def test_reading_upwards_stops_following(browser, gateway, url):
    out, go = gateway.files / "out", gateway.files / "go"
    out.write_text("last\n")
    batch = gateway.submit("lines=300", f"wait={go}", f"cat={out}")
    browser.open(f"{url}/ui/batch/{batch}")
    browser.until(lambda: bounds(browser) == (1, 300) and browser.run(AT_END), "the first lines")
    browser.run("document.querySelector('.box').scrollTop = 100")
    browser.until(lambda: not browser.run("return document.querySelector('.check input').checked"), "following is off")
    go.touch()
    browser.until(lambda: lines(browser)[-1] == "last", "the last line")
    assert browser.run("return document.querySelector('.box').scrollTop") == 100
    browser.click(".bar button")
    browser.until(lambda: browser.run(AT_END), "back at the end")


def test_a_long_log_comes_from_its_end_and_earlier_on_request(browser, gateway):
    batch, _, _ = gateway.run("lines=5000")
    proxy = Proxy(gateway)
    try:
        browser.open(f"{proxy.url}/ui/batch/{batch}/log")
        browser.until(lambda: bounds(browser) == (3001, 5000), "the last two thousand")
        assert lines(browser)[0] == "3001"
        assert not [t for _, t, _ in proxy.seen if "/log?" in t and int(t.rpartition("size=")[2]) > 2001]
        browser.run("document.querySelector('.earlier').click()")
        browser.until(lambda: bounds(browser) == (1001, 5000), "two thousand more")
        browser.run("document.querySelector('.earlier').click()")
        browser.until(lambda: bounds(browser) == (1, 5000), "all")
        assert browser.find(".earlier[hidden]")
        assert lines(browser)[0] == "1"
    finally:
        proxy.stop()


def test_the_page_holds_ten_thousand_lines_and_no_more(browser, gateway, url):
    batch, _, _ = gateway.run("lines=13000")
    browser.open(f"{url}/ui/batch/{batch}/log")
    browser.until(lambda: bounds(browser) == (11001, 13000), "the last")
    for first in (9001, 7001, 5001, 3001):
        browser.run("document.querySelector('.earlier').click()")
        browser.until(lambda first=first: bounds(browser)[0] == first, f"from {first}")
    browser.run("document.querySelector('.earlier').click()")
    browser.until(lambda: bounds(browser) == (1001, 11000), "the window has moved up")
    browser.click(".bar button")
    browser.until(lambda: bounds(browser) == (11001, 13000) and browser.run(AT_END), "the end again")


def test_a_flood_is_skipped_not_swallowed(browser, gateway, url):
    go = gateway.files / "go"
    batch = gateway.submit("lines=10", f"wait={go}", "lines=200000")
    browser.open(f"{url}/ui/batch/{batch}/log")
    browser.until(lambda: bounds(browser) == (1, 10), "the first lines")
    go.touch()
    browser.until(lambda: lines(browser)[-1] == "200000", "the last line", 30)
    first, last = bounds(browser)
    assert last == 200010 and last - first < 10000


def test_hidden_characters_are_visible_and_markup_is_text(browser, gateway, url):
    evil = gateway.files / "evil"
    evil.write_bytes(
        b"<script>window.hit = 1</script>\n\x1b[31mred\x1b[0m\x07\n\xe2\x80\xaedrawkcab\n"
        b"<img src=x onerror='window.hit=1'>\njavascript:window.hit=1\na\0b\tc\xffd\n\xe2\x80\xa8x\xef\xbb\xbf\n"
    )
    batch, _, _ = gateway.run(f"cat={evil}", name="<b>\u202ebold</b>")
    browser.open(f"{url}/ui/batch/{batch}")
    browser.until(lambda: len(lines(browser)) == 7, "seven lines")
    assert lines(browser) == [
        "<script>window.hit = 1</script>",
        "^[[31mred^[[0m^G",
        "\u27e8U+202E\u27e9drawkcab",
        "<img src=x onerror='window.hit=1'>",
        "javascript:window.hit=1",
        "a^@b\tc\ufffdd",
        "\u27e8U+2028\u27e9x\u27e8U+FEFF\u27e9",
    ]
    assert browser.text(".given") == "<b>\u27e8U+202E\u27e9bold</b>"
    assert browser.run("return window.hit") is None
    assert browser.run("return document.querySelectorAll('main b, main script, main img').length") == 0
    assert "\u202e" not in browser.run("return document.title")
    assert not [line for line in browser.console() if "Security" in line]


def test_a_very_long_line_is_folded(browser, gateway, url):
    long = gateway.files / "long"
    long.write_text("y" * 100_000 + "\n")
    batch, _, _ = gateway.run(f"cat={long}")
    browser.open(f"{url}/ui/batch/{batch}")
    browser.until_text(".more", "96,000 more characters")
    browser.run("document.querySelector('.more').click()")
    browser.until(lambda: lines(browser) == ["y" * 100_000], "the whole line")


def test_a_batch_without_a_process_says_so(browser, gateways):
    gateway = gateways(florus__launch__hold="true").start()
    batch = gateway.submit()
    browser.open(f"http://{gateway.host}:{gateway.port}/ui/batch/{batch}")
    browser.until_text(".log", "No output yet.")


def test_sections_behind_the_log(browser, gateway, url):
    """Livy's diagnostics of clusters come behind the lines."""
    batch, _, _ = gateway.run()
    proxy = Proxy(gateway)
    try:
        log = ["stdout: ", "a line", "\nstderr: ", "\nYARN Diagnostics: ", "out of memory", "on node 7"]
        proxy.answers[f"/batches/{batch}/log"] = {"id": batch, "from": 0, "total": len(log), "log": log}
        browser.open(f"{proxy.url}/ui/batch/{batch}")
        browser.until(lambda: browser.texts(".trailer .line") == ["out of memory", "on node 7"], "the diagnostics")
        assert browser.texts(".trailer h3") == ["YARN Diagnostics"]
        assert lines(browser)[0] == "a line"
    finally:
        proxy.stop()


def test_the_cluster_of_a_batch_and_who_gave_it_to_it(browser, gateway, url):
    batch, _, _ = gateway.run("echo=x")
    proxy = Proxy(gateway)
    try:
        proxy.headers[f"/batches/{batch}"] = [
            ("Florus-Cluster", "night"), ("Florus-Launcher", "submit"), ("Florus-Launcher-Reason", "<b>R</b> programs"),
        ]
        browser.open(f"{proxy.url}/ui/batch/{batch}")
        browser.until_text(".facts", "night, submit: <b>R</b> programs")
        browser.open(f"{url}/ui/batch/{batch}")
        browser.until(lambda: lines(browser), "its log")
        assert "night" not in browser.text(".facts")
    finally:
        proxy.stop()


def test_kill_asks_first(browser, gateway, url):
    batch = gateway.submit("mark=victim", "echo=working", "sleep=600", name="victim")
    gateway.wait_started("victim")
    browser.open(f"{url}/ui/batch/{batch}")
    browser.until(lambda: lines(browser) == ["working"], "its log")
    browser.click(".head .danger")
    assert browser.text("dialog h2") == f"Kill batch {batch}?"
    assert "victim" in browser.text("dialog")
    assert browser.run("return document.activeElement.innerText") == "Cancel"
    browser.press(ENTER)  # on Cancel
    browser.until(lambda: not browser.find("dialog[open]"), "the dialog is gone")
    browser.click(".head .danger")
    browser.press(ESCAPE)
    browser.until(lambda: not browser.find("dialog[open]"), "the dialog is gone")
    assert gateway.state_of(batch) == "running"


def test_kill_kills_and_keeps_what_was_read(browser, gateway, url):
    proxy = Proxy(gateway)
    try:
        batch = gateway.submit("mark=victim", "echo=working", "sleep=600")
        gateway.wait_started("victim")
        browser.open(f"{proxy.url}/ui/batch/{batch}")
        browser.until(lambda: lines(browser) == ["working"], "its log")
        browser.click(".head .danger")
        browser.click("dialog .danger")
        browser.until_text(".note", "was killed")
        assert gateway.get(f"/batches/{batch}").status == 404
        assert lines(browser) == ["working"]
        browser.until(lambda: browser.text("#pulse") == "No more changes", "the rest")
        assert [headers["X-Requested-By"] for method, _, headers in proxy.seen if method == "DELETE"] == ["florus"]
        assert not browser.find(".head .danger:not([hidden])")
    finally:
        proxy.stop()


def test_a_kill_that_fails_says_why(browser, gateway, url):
    proxy = Proxy(gateway)
    try:
        batch = gateway.submit("mark=victim", "echo=working", "sleep=600")
        gateway.wait_started("victim")
        browser.open(f"{proxy.url}/ui/batch/{batch}")
        browser.until(lambda: lines(browser) == ["working"], "its log")
        proxy.refuse_delete = (403, {"msg": "User 'ada' may not <b>do</b> this."})
        browser.click(".head .danger")
        browser.click("dialog .danger")
        browser.until_text(".note", "It was not killed: User 'ada' may not <b>do</b> this.")
        assert browser.find(".head .danger:not([hidden])")
        assert gateway.state_of(batch) == "running"
    finally:
        proxy.stop()


def test_who_may_neither_read_the_log_nor_kill_is_told_so(browser, gateways):
    gateway = gateways(
        livy__server__auth__type="proxy", florus__auth__proxy_header="X-Forwarded-User",
        florus__auth__proxy_peers="127.0.0.1", livy__server__access_control__enabled="true",
        livy__impersonation__enabled="true", livy__superusers="ada",
    ).start()  # fmt: skip
    body = gateway.body("echo=secret", "sleep=600", "mark=hers", proxyUser="eve")
    batch = gateway.post("/batches", body, headers={"X-Forwarded-User": "ada"}).body["id"]
    gateway.wait_started("hers")
    proxy = Proxy(gateway)
    try:
        proxy.user = "bob"
        browser.open(f"{proxy.url}/ui/batch/{batch}")
        browser.until_text(".log", "This log is for the job's owner, and for those whom the server's configuration names.")
        assert "ada as eve" in browser.text(".facts") and browser.text("#trouble") == ""
        browser.until(lambda: browser.text("#pulse") == "Live", "it goes on")
        browser.click(".head .danger")
        browser.click("dialog .danger")
        browser.until_text(".note", "It was not killed: this is for its owner, and for those whom the server's configuration names.")
        proxy.user = "eve"
        browser.open(f"{proxy.url}/ui/batch/{batch}/log")
        browser.until(lambda: lines(browser) == ["secret"], "her log")
    finally:
        proxy.stop()


def test_a_finished_batch_can_be_deleted(browser, gateway, url):
    batch, _, _ = gateway.run("echo=done")
    browser.open(f"{url}/ui/batch/{batch}")
    browser.until_text(".head .danger", "Delete")
    browser.click(".head .danger")
    assert browser.text("dialog h2") == f"Delete batch {batch}?"
    browser.click("dialog .danger")
    browser.until_text(".note", "was deleted")
    assert gateway.get(f"/batches/{batch}").status == 404


def test_a_batch_that_somebody_else_deletes(browser, gateway, url):
    batch = gateway.submit("echo=working", "sleep=600")
    browser.open(f"{url}/ui/batch/{batch}")
    browser.until(lambda: lines(browser) == ["working"], "its log")
    gateway.delete(f"/batches/{batch}")
    browser.until_text(".note", "was deleted")
    assert lines(browser) == ["working"]


@pytest.mark.parametrize("path", ["/ui/batch/999", "/ui/batch/99999999999", "/ui/batch/%3Cb%3Enope", "/ui/session/1"])
def test_what_is_not_there_is_said(browser, gateway, url, path):
    browser.open(url + path)
    browser.until(lambda: browser.text(".note"), "a note")
    assert not browser.find(".log:not([hidden])")
    assert not browser.find(".head .danger:not([hidden])")


def test_dark_and_light_differ_and_can_be_read(browser, gateway, url):
    """Text on its background, by WCAG's formula: at least 4.5."""
    gateway.run("echo=26/01/01 00:00:00 ERROR bad", "exit=1", name="x")
    script = """
      const shine = (c) => c.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
        .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((a, v, i) => a + v * [0.2126, 0.7152, 0.0722][i], 0);
      const behind = (e) => { const b = getComputedStyle(e).backgroundColor; return /, 0\\)$|transparent/.test(b) ? behind(e.parentElement) : b; };
      return [...document.querySelectorAll(arguments[0])].map((e) => {
        const [a, b] = [shine(getComputedStyle(e).color), shine(behind(e))].sort((x, y) => y - x);
        return [e.className || e.tagName, (a + 0.05) / (b + 0.05)]; });"""
    backs = set()
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        for path, css in (("/ui", "th, .state, .why, td a, .chip .count, .pulse"), ("/ui/batch/0", ".line, .state, .danger, .place, .given, .crumbs a")):
            browser.open(url + path)
            browser.until_text("main", "bad")
            ratios = browser.run(script, css)
            assert len(ratios) >= 5
            assert not [(what, ratio) for what, ratio in ratios if ratio < 4.5], scheme
        backs.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert len(backs) == 2
