"""The lists of the web page, in a real Chromium."""

import pytest
from proxy import Proxy
from webdriver import TAB

ROWS = "tbody tr:not([hidden])"


@pytest.fixture
def held(gateways):
    """A gateway that accepts batches and starts none."""
    return gateways(florus__launch__hold="true").start()


@pytest.fixture
def proxy(held):
    proxy = Proxy(held)
    yield proxy
    proxy.stop()


def address(gateway, path="/ui"):
    return f"http://{gateway.host}:{gateway.port}{path}"


def ids(browser):
    return [int(text.lstrip("#")) for text in browser.texts(f"{ROWS} td.col-id")]


def view(id, state="running", **fields):
    info = {"driverLogUrl": None, "sparkUiUrl": None, "executorLogUrls": None}
    return {"id": id, "name": None, "owner": None, "proxyUser": None, "state": state, "appId": None, "appInfo": info, "log": [], **fields}


def listing(*items, total=None):
    return {"from": 0, "total": len(items) if total is None else total, "sessions": list(items)}


def test_an_empty_server_says_how_to_begin(browser, gateway, url):
    browser.open(url)  # the root leads to the page
    browser.until_text(".nothing", "No batches")
    assert f"curl -X POST {url}/batches" in browser.text(".nothing")
    assert browser.text("footer").startswith("Florus ")
    assert browser.find("table[hidden]")


def test_batches_are_listed_newest_first_with_their_states(browser, gateway, url):
    good, _, _ = gateway.run("echo=hello", name="good")
    bad, _, _ = gateway.run("echo=working", "err=ValueError: no such day", "exit=3", name="bad")
    live = gateway.submit(f"wait={gateway.files}/go", name="live")
    gateway.wait(live, "running")
    browser.open(f"{url}/ui")
    browser.until(lambda: ids(browser) == [live, bad, good], "three rows")
    assert [text.split()[-1] for text in browser.texts("tbody .state")] == ["running", "dead", "success"]
    # not by colour alone, and not by the word alone
    assert len(set(browser.run("return [...document.querySelectorAll('tbody .sign')].map((e) => e.textContent)"))) == 3
    assert browser.texts("tbody .why") == ["ValueError: no such day"]
    (gateway.files / "go").touch()
    browser.until(lambda: browser.texts("tbody .state")[0].split()[-1] == "success", "the row follows its batch")


def test_new_batches_appear_by_themselves_and_focus_and_place_stay(browser, held):
    for i in range(60):
        held.submit(name=f"n{i}")
    browser.open(address(held))
    browser.until(lambda: len(ids(browser)) == 60, "all rows")
    browser.run("const a = document.querySelectorAll('tbody a')[40]; a.focus(); a.scrollIntoView({ block: 'center' }); window.kept = a")
    y = browser.run("return window.kept.getBoundingClientRect().top")
    new = held.submit(name="new")
    browser.until(lambda: ids(browser)[0] == new, "the new row")
    assert browser.run("return document.activeElement === window.kept")
    assert abs(browser.run("return window.kept.getBoundingClientRect().top") - y) < 3


def test_paging_goes_from_the_newest_backwards(browser, held):
    for _ in range(230):
        held.submit()
    browser.open(address(held))
    browser.until(lambda: ids(browser) == list(range(229, 129, -1)), "the newest hundred")
    assert browser.text(".pager .place") == "1\u2013100 of 230 batches"
    browser.click(".pager button:last-child")
    browser.until(lambda: ids(browser) == list(range(129, 29, -1)), "the second hundred")
    browser.click(".pager button:last-child")
    browser.until(lambda: ids(browser) == list(range(29, -1, -1)), "the oldest")
    assert browser.text(".pager .place") == "201\u2013230 of 230 batches"
    assert browser.one('.pager button:last-child[aria-disabled="true"]')
    browser.open(browser.run("return location.href"))  # the address names the page
    browser.until(lambda: ids(browser) == list(range(29, -1, -1)), "the same page again")
    browser.click(".pager button:nth-child(2)")
    browser.until(lambda: ids(browser) == list(range(129, 29, -1)), "back")
    browser.click(".pager button:first-child")
    browser.until(lambda: ids(browser)[0] == 229, "the newest again")


def test_filters_by_text_and_state(browser, gateway, url):
    gateway.run(name="orders-daily")
    gateway.run("exit=1", name="orders-hourly")
    gateway.run(name="customers")
    browser.open(f"{url}/ui")
    browser.until(lambda: len(ids(browser)) == 3, "all rows")
    browser.type("input[type=search]", "ORDERS")
    browser.until(lambda: ids(browser) == [1, 0], "those of that name")
    browser.run("[...document.querySelectorAll('.chip')].find((e) => e.innerText.includes('dead')).click()")
    browser.until(lambda: ids(browser) == [1], "the dead one of them")
    assert browser.text(".matches") == "1 of the 3 batches matches."
    browser.open(browser.run("return location.href"))
    browser.until(lambda: ids(browser) == [1], "the same filter again")


def test_what_lists_have_forgotten_is_found_by_number(browser, gateway):
    gateway.run("echo=long ago")
    proxy = Proxy(gateway)
    proxy.answers["/batches"] = listing()
    try:
        browser.open(f"{proxy.url}/ui")
        browser.until_text(".nothing", "No batches")
        browser.type("input[type=search]", "0")
        browser.until(lambda: browser.texts(".matches a:not([hidden])") == ["Open batch 0"], "the offer")
        browser.click(".matches a")
        browser.until_text(".log", "long ago")
    finally:
        proxy.stop()


def test_sessions_have_a_list_of_their_own(browser, held, proxy):
    held.submit()
    browser.open(f"{proxy.url}/ui")
    browser.until(lambda: ids(browser) == [0], "the batch")
    browser.until_text("section:nth-of-type(2)", "No sessions")
    assert browser.texts("h1") == ["Batches 1", "Sessions"]
    proxy.answers["/sessions"] = listing(view(4, "idle", kind="pyspark", name="notebook"))
    browser.open(f"{proxy.url}/ui")
    browser.until(lambda: browser.texts("h1") == ["Batches 1", "Sessions 1"], "both lists")
    browser.until_text("section:nth-of-type(2) tbody", "notebook")
    assert browser.run("return document.querySelectorAll('tbody a')[1].pathname") == "/ui/session/4"


def test_owners_applications_and_web_links(browser, proxy):
    info = {"driverLogUrl": "https://logs.example/7", "sparkUiUrl": "http://spark.example:4040/",
            "executorLogUrls": "executor-1#https://logs.example/e1;executor-2#javascript:alert(1)"}
    proxy.answers["/batches"] = listing(view(7, owner="ada", proxyUser="etl", appId="application_1_0007", appInfo=info))
    browser.open(f"{proxy.url}/ui")
    browser.until(lambda: ids(browser) == [7], "the row")
    assert browser.texts("td.col-owner") == ["ada as etl"]
    assert browser.texts("td.col-app") == ["application_1_0007"]
    found = browser.run("return [...document.querySelectorAll('.col-links a')].map((a) => [a.innerText, a.href, a.rel])")
    rel = "noopener noreferrer"
    assert found == [["Spark UI", "http://spark.example:4040/", rel], ["Driver log", "https://logs.example/7", rel],
                     ["executor-1", "https://logs.example/e1", rel]]
    assert "javascript:alert(1)" in browser.text("td.col-links")  # as text


EVIL = ["<script>window.hit = 1</script>", '"><img src=x onerror="window.hit=1">', "\u202egnp.exe", "javascript:alert(1)", "{{7*7}}"]


@pytest.mark.parametrize("evil", EVIL, ids=ascii)
def test_hostile_texts_are_only_texts(browser, proxy, evil):
    info = {"driverLogUrl": evil, "sparkUiUrl": "javascript:window.hit=1", "executorLogUrls": f"{evil}#data:text/html,x"}
    proxy.answers["/batches"] = listing(
        view(1, evil, name=evil, owner=evil, proxyUser=evil, appId=evil, appInfo=info),
        view(2, "dead", name=evil, log=["stdout: ", f"Error {evil}", "\nstderr: "]),
    )
    browser.open(f"{proxy.url}/ui")
    browser.until(lambda: ids(browser) == [2, 1], "both rows")
    shown = evil.replace("\u202e", "\u27e8U+202E\u27e9")
    assert browser.texts("td.col-name")[1] == shown
    assert browser.texts("td.col-app")[1] == shown
    assert browser.texts(".why") == [f"Error {shown}"]
    assert browser.run("return window.hit") is None
    assert browser.run("return document.querySelectorAll('main script, main img, main iframe').length") == 0
    assert browser.run("return [...document.querySelectorAll('.col-links a')].length") == 0
    assert "\u202e" not in browser.run("return document.documentElement.textContent + document.title")
    assert not [line for line in browser.console() if "Security" in line]


def test_an_inline_script_would_not_run(browser, gateway, url):
    """The policy is in force, should text ever become markup."""
    browser.open(f"{url}/ui")
    browser.one("main section")
    browser.run("const s = document.createElement('script'); s.textContent = 'window.hit = 1'; document.body.append(s)")
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hit=1\">')")
    said = []
    browser.until(lambda: said.extend(browser.console()) or any("Content Security Policy" in line for line in said), "the refusal")
    assert browser.run("return window.hit") is None


def test_a_hidden_tab_asks_nothing(browser, held, proxy):
    browser.open(f"{proxy.url}/ui")
    browser.until(lambda: browser.text("#pulse") == "Live", "the refresh")
    browser.run("Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
                "document.dispatchEvent(new Event('visibilitychange'))")
    browser.until(lambda: browser.text("#pulse") == "Paused", "the pause")
    asked = proxy.count("/batches?")
    held.submit()
    # longer than a refresh takes: nothing may come in it
    browser.call("POST", "/timeouts", {"script": 10000})
    browser.call("POST", "/execute/async", {"script": "setTimeout(arguments[0], 3000)", "args": []})
    assert proxy.count("/batches?") == asked
    browser.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    browser.until(lambda: ids(browser) == [0], "the refresh at once")


def test_pause_and_resume_by_hand(browser, held, proxy):
    browser.open(f"{proxy.url}/ui")
    browser.until(lambda: browser.text("#pulse") == "Live", "the refresh")
    browser.click("#pause")
    browser.until(lambda: browser.text("#pulse") == "Paused", "the pause")
    held.submit()
    browser.click("#pause")
    browser.until(lambda: ids(browser) == [0], "the refresh at once")


def test_a_server_that_is_away_is_said_and_found_again(browser, held, proxy):
    held.submit(name="kept")
    browser.open(f"{proxy.url}/ui")
    browser.until(lambda: ids(browser) == [0], "the row")
    proxy.down = True
    browser.until_text("#trouble", "the server cannot be reached")
    assert browser.text("#pulse") == "Offline"
    assert ids(browser) == [0]  # what one knew is still there
    proxy.down = False
    browser.until(lambda: browser.text("#pulse") == "Live" and browser.text("#trouble") == "", "recovery", 40)


@pytest.mark.parametrize("mount", ["/livy", "/some/where/else"])
def test_it_works_behind_a_prefix(browser, held, mount):
    """/livy is our own second mount; the other prefix is taken off by a proxy that we know nothing of."""
    held.submit(name="there")
    proxy = Proxy(held, "" if mount == "/livy" else mount)
    try:
        base = proxy.url + ("/livy" if mount == "/livy" else "")
        browser.open(f"{base}/ui")
        browser.until_text("td.col-name", "there")
        browser.click("td.col-id a")
        browser.until_text(".head", "starting")
        assert browser.run("return location.href") == f"{base}/ui/batch/0"
        browser.click(".crumbs a")
        browser.until_text("td.col-name", "there")
        assert all(target.startswith((mount, "/favicon")) for _, target, _ in proxy.seen), proxy.seen
    finally:
        proxy.stop()


def test_it_works_for_who_signed_in(browser, held, proxy):
    held.submit(name="there")
    proxy.login = "ada:secret"
    browser.open(f"{proxy.url.replace('//', '//ada:secret@')}/ui")
    browser.until_text("td.col-name", "there")
    browser.click("td.col-id a")
    browser.until_text(".head", "starting")


def test_a_phone_needs_no_scrolling_sideways(browser, held):
    held.submit(name="x" * 200)
    held.submit(name="short")
    browser.size(360, 740)
    for path in ("/ui", "/ui/batch/0", "/ui/batch/0/log"):
        browser.open(address(held, path))
        browser.until_text("main", "starting")
        assert browser.run("return document.documentElement.scrollWidth") <= 360, path


def test_the_keyboard_reaches_everything(browser, held):
    held.submit(name="one")
    browser.open(address(held))
    browser.until(lambda: ids(browser) == [0], "the row")
    reached = []
    for _ in range(10):
        browser.press(TAB)
        reached.append(browser.run("const e = document.activeElement; return e.innerText || e.getAttribute('aria-label') || e.tagName"))
    for wanted in ("Skip to the content", "Florus", "Pause", "Filter the batches on this page", "All 1", "0"):
        assert wanted in [text.replace("\n", " ").strip() for text in reached], reached


def test_what_a_screen_reader_gets(browser, held):
    held.submit(name="one")
    browser.open(address(held))
    browser.until(lambda: ids(browser) == [0], "the row")
    tree = browser.cdp("Accessibility.getFullAXTree")["nodes"]
    seen = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node.get("ignored")}
    for wanted in [("table", "Batches"), ("columnheader", "State"), ("searchbox", "Filter the batches on this page"),
                   ("link", "0"), ("heading", "Batches 1"), ("main", ""), ("banner", "")]:
        assert wanted in seen, sorted(seen)
    browser.size(360, 740)
    tree = browser.cdp("Accessibility.getFullAXTree")["nodes"]
    assert any(node["role"]["value"] == "table" for node in tree if not node.get("ignored"))
