"""A headless Chromium, driven through chromedriver by plain WebDriver requests (W3C WebDriver over http.client)."""

import base64
import http.client
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # how WebDriver marks a reference to an element
ENTER, TAB, ESCAPE = "\ue007", "\ue004", "\ue00c"
START_S = 30
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


class Refused(Exception):
    """What the driver answered instead of doing it."""


class Driver:
    """One chromedriver process; sessions are browsers of their own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.log = self.folder / "chromedriver.log"
        path = shutil.which("chromedriver")
        assert path, "there is no chromedriver: tools/setup test installs it"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([path, "--port=0"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.port = self.wait_port()

    def wait_port(self):
        end = time.monotonic() + START_S
        while True:
            found = re.search(r"started successfully on port (\d+)", self.log.read_text())
            if found:
                return int(found[1])
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, None if method == "GET" else json.dumps(body or {}))
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise Refused(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Browser:
    """One Chromium with one tab and a profile of its own."""

    def __init__(self, driver, profile, width=1280, height=860):
        options = {"args": [*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]}
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"},
                  "unhandledPromptBehavior": "ignore"}
        answer = driver.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.driver = driver
        self.session = f"/session/{answer['sessionId']}"

    def call(self, method, path, body=None):
        return self.driver.call(method, self.session + path, body)

    def close(self):
        self.call("DELETE", "")

    def cdp(self, command, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    # --- the page ---

    def open(self, url):
        self.call("POST", "/url", {"url": url})
        return self

    def run(self, script, *args):
        """Runs the body of a function in the page; what it returns."""
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def find(self, css):
        """The elements that fit, as references."""
        return self.call("POST", "/elements", {"using": "css selector", "value": css})

    def one(self, css, within=10):
        return self.until(lambda: (self.find(css) or [None])[0], f"an element {css}", within)

    def text(self, css):
        """What one reads there; "" when there is no such element."""
        return self.run("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def texts(self, css):
        return self.run("return [...document.querySelectorAll(arguments[0])].map((e) => e.innerText)", css)

    def click(self, css):
        """Clicks as a person would: where it is hidden or covered, the driver refuses."""
        return self.call("POST", f"/element/{self.one(css)[ELEMENT]}/click")

    def type(self, css, text):
        return self.call("POST", f"/element/{self.one(css)[ELEMENT]}/value", {"text": text})

    def press(self, keys):
        """Keys for whatever has the focus."""
        strokes = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        return self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]})

    def until(self, condition, what, within=15):
        end = time.monotonic() + within
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {within} s: {what}\npage: {self.text('body')[:3000]}\n{self.console()}")
            time.sleep(0.02)

    def until_text(self, css, part, within=15):
        return self.until(lambda: part in self.text(css), f"{part!r} in {css}", within)

    # --- what it looks like, what it complains of ---

    def prefer(self, scheme):
        """dark or light."""
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def size(self, width, height):
        """The viewport itself; windows have a least width, screens of phones do not."""
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def screenshot(self, path):
        Path(path).write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def console(self):
        """The console's lines since the last call: refusals of the content security policy are among them."""
        return [f"{line['level']} {line['message']}" for line in self.call("POST", "/se/log", {"type": "browser"})]
