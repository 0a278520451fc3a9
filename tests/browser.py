"""A headless Chromium for tests of pages, driven through its DevTools protocol over a pipe; nothing to install for it.

with Browser() as browser:
    page = browser.open(path, width=400)
    page.click("button")
    assert page.evaluate("document.title") == "..."
    assert not page.errors and not page.requests
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_SECONDS = 60.0
_KEYS = {"Enter": (13, "\r"), " ": (32, " "), "Tab": (9, ""), "ArrowRight": (39, ""), "ArrowLeft": (37, "")}
_KEYS |= {digit: (ord(digit), digit) for digit in "123456789"}
_KEYS |= {"ArrowDown": (40, ""), "ArrowUp": (38, ""), "Home": (36, ""), "End": (35, ""), "Escape": (27, "")}


def find_browser() -> str:
    """Path of a Chromium or Chrome (`CHROME` in the environment names another one); empty if there is none."""
    found = os.environ.get("CHROME") or next(filter(None, map(shutil.which, NAMES)), None)
    return found or ""


class Browser:
    """One browser process; its profile is a folder that goes when it goes."""

    def __enter__(self) -> Browser:
        """Starts it."""
        self._profile = tempfile.mkdtemp(prefix="browser-")
        read_commands, self._commands = os.pipe()
        self._answers, write_answers = os.pipe()
        # Chromium reads from 3 and writes to 4; our ends must not be in the way.
        for_browser = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (read_commands, write_answers)]

        def connect() -> None:
            for number, descriptor in enumerate(for_browser, start=3):
                os.dup2(descriptor, number)

        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        # Frames in a process of their own would need sessions of their own.
        flags += ["--disable-features=IsolateSandboxedIframes"]
        flags += ["--remote-debugging-pipe", "--no-first-run", f"--user-data-dir={self._profile}"]
        self._process = subprocess.Popen(
            [find_browser(), *flags, "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=connect,
            pass_fds=(3, 4),
        )
        for one in (read_commands, write_answers, *for_browser):
            os.close(one)
        self._buffer, self._number = b"", 0
        self._pages: dict[str, Page] = {}
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        try:
            self.send("Browser.close")
            self._process.wait(10)
        finally:
            self._process.kill()
            self._process.wait()
            os.close(self._commands)
            os.close(self._answers)
            shutil.rmtree(self._profile, ignore_errors=True)

    def open(
        self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False, scripts: bool = True
    ) -> Page:
        """Opens a file in a new tab and waits until it is loaded."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.send(f"{domain}.enable")
        page.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.send("Emulation.setEmulatedMedia", features=[scheme])
        page.send("Emulation.setScriptExecutionDisabled", value=not scripts)
        page.send("Page.navigate", url=path.absolute().as_uri())
        page.wait_until_loaded()
        return page

    def close_pages(self) -> None:
        """Closes all tabs."""
        while self._pages:
            _, page = self._pages.popitem()
            page.send("Page.close")

    def send(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """Sends a command and returns its result."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._commands, data) :]
        answers: list[dict[str, Any]] = []
        self.wait(lambda: answers, lambda one: answers.append(one) if one.get("id") == number else None)
        if "error" in answers[0]:
            raise RuntimeError(f"{method}: {answers[0]['error']}")
        return answers[0]["result"]

    def wait(self, done: Any, look: Any = None) -> None:
        """Reads messages until `done()` holds; `look` sees each of them."""
        until = time.monotonic() + _SECONDS
        while not done():
            ready, _, _ = select.select([self._answers], [], [], max(0.0, until - time.monotonic()))
            chunk = os.read(self._answers, 1 << 16) if ready else b""
            if not chunk:
                raise TimeoutError("the browser gave no answer")
            self._buffer += chunk
            *messages, self._buffer = self._buffer.split(b"\0")
            for message in map(json.loads, messages):
                if message.get("sessionId") in self._pages:
                    self._pages[message["sessionId"]].hear(message.get("method", ""), message.get("params", {}))
                if look:
                    look(message)


class Page:
    """One tab.

    Attributes:
        errors: What the console and the browser complained about: exceptions, warnings, blocked content.
        requests: Addresses that the page asked for, besides itself and what it holds in `data:` addresses.
        loaded: Whether loading is over.
        frame: Where `evaluate` and `click` work: 0 for the page itself, else one of `frames`.
    """

    def __init__(self, browser: Browser, session: str):
        self._browser, self._session = browser, session
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.loaded = False
        self.frame = 0
        self._contexts: list[int] = []
        self._navigated = False

    def hear(self, event: str, told: dict[str, Any]) -> None:
        """Takes note of an event."""
        if event == "Page.loadEventFired":
            self.loaded = True
        elif event == "Runtime.executionContextCreated":
            self._contexts.append(told["context"]["id"])
        elif event == "Runtime.executionContextsCleared":
            self._contexts.clear()
        elif event == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(told["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.errors.append(json.dumps(told["args"]))
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.errors.append(told["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            if told["type"] == "Document" and not self._navigated:
                self._navigated = True
            elif not told["request"]["url"].startswith("data:"):
                self.requests.append(told["request"]["url"])

    @property
    def frames(self) -> list[int]:
        """What `frame` can be; the page itself comes before its frames."""
        return self._contexts[1:]

    def wait_until_loaded(self) -> None:
        """Waits for the end of loading; set `loaded` to False before something that loads another page."""
        self._browser.wait(lambda: self.loaded)

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Sends a command to this tab."""
        return self._browser.send(method, self._session, **parameters)

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        where = {"contextId": self.frame} if self.frame else {}
        told = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, **where)
        if "exceptionDetails" in told:
            raise RuntimeError(json.dumps(told["exceptionDetails"]))
        return told["result"].get("value")

    def click(self, selector: str) -> None:
        """Clicks with the mouse on the middle of an element."""
        x, y = self.evaluate(
            f"(() => {{ const one = document.querySelector({json.dumps(selector)}); one.scrollIntoView("
            "{block: 'center', inline: 'center'}); const box = one.getBoundingClientRect();"
            "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key: str, times: int = 1) -> None:
        """Presses a key as a keyboard does, on what has the focus."""
        code, characters = _KEYS[key]
        named = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": code}
        for _ in range(times):
            self.send("Input.dispatchKeyEvent", type="keyDown", text=characters, **named)
            self.send("Input.dispatchKeyEvent", type="keyUp", **named)

    def screenshot(self, path: Path) -> None:
        """Writes a PNG of the whole page."""
        told = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(told["data"]))
