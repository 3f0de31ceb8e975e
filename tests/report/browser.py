"""Headless Chromium, driven by its DevTools protocol over a pipe."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_SECONDS = 60

# Chromium reads commands from descriptor 3 and answers on descriptor 4.
_LAUNCHER = """
import fcntl, os, sys
commands, answers = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 10) for fd in sys.argv[1:3])
os.dup2(commands, 3)
os.dup2(answers, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


def find() -> str | None:
    """The path of an installed browser, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """A running browser with an empty profile in the folder `profile`."""

    def __init__(self, executable: str, profile: Path) -> None:
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        options = (
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCHER, str(commands), str(answers), executable, *options],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._received = b""
        self._calls = 0
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, type_: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._write)
        os.close(self._read)
        self._process.terminate()
        self._process.wait(TIMEOUT_SECONDS)

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol; returns its result. Events that arrive before it are kept."""
        self._calls += 1
        message: dict[str, Any] = {"id": self._calls, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next_message()).get("id") != self._calls:
            self.events.append(answer)
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    @contextmanager
    def page(
        self, path: Path, *, width: int = 1280, height: int = 900, dark: bool = False
    ) -> Iterator[Page]:
        """The page in the file at `path`, loaded; motion is reduced, so that changes are immediate."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        page = Page(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        features = {"prefers-reduced-motion": "reduce", "prefers-color-scheme": "dark" if dark else "light"}
        media = [{"name": name, "value": value} for name, value in features.items()]
        page.call("Emulation.setEmulatedMedia", features=media)
        size: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        page.call("Emulation.setDeviceMetricsOverride", **size)
        page.call("Page.navigate", url=path.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in page.events()):
            self.events.append(self._next_message())
        page.wait_for_frame()
        yield page
        self.call("Target.closeTarget", targetId=target)

    def _next_message(self) -> dict[str, Any]:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._read], [], [], max(0, deadline - time.monotonic()))
            data = os.read(self._read, 1 << 20) if ready else b""
            assert data, "the browser does not answer"
            self._received += data
        message, _, self._received = self._received.partition(b"\0")
        parsed: dict[str, Any] = json.loads(message)
        return parsed


class Page:
    """A page in a tab of its own; points are pixels from the top left corner of the window."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol for this tab."""
        return self._browser.call(method, self._session, **parameters)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        outcome = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in outcome, outcome["exceptionDetails"]
        return outcome["result"].get("value")

    def wait_for_frame(self) -> None:
        """Wait until the page was drawn twice: a frame may already have been under way."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))")

    def mouse(self, kind: str, x: float, y: float, **options: Any) -> None:
        """A mouse event such as "mouseMoved", then the next frame."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **options)
        self.wait_for_frame()

    def move(self, x: float, y: float) -> None:
        """Move the pointer."""
        self.mouse("mouseMoved", x, y)

    def click(self, x: float, y: float) -> None:
        """Move the pointer and click."""
        self.move(x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)

    def click_on(self, selector: str) -> None:
        """Scroll to the first element of a CSS selector and click on its middle."""
        x, y = self.run(
            f"""(() => {{
              const element = document.querySelector({json.dumps(selector)});
              element.scrollIntoView({{ block: "center" }});
              const box = element.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        self.click(x, y)

    def press(self, key: str) -> None:
        """Press a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key)
        self.wait_for_frame()

    def type(self, text: str) -> None:
        """Insert a text into the element that has the focus."""
        self.call("Input.insertText", text=text)
        self.wait_for_frame()

    def text(self, selector: str) -> str:
        """The text of the first element of a CSS selector."""
        return str(self.run(f"document.querySelector({json.dumps(selector)}).textContent"))

    def screenshot(self, path: Path) -> None:
        """Save the whole page as PNG."""
        image = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(image))

    def events(self) -> list[dict[str, Any]]:
        """The events of this tab so far."""
        return [event for event in self._browser.events if event.get("sessionId") == self._session]

    def problems(self) -> list[str]:
        """Errors of scripts, log entries such as violations of the page's policy, and network requests."""
        problems = []
        for event in self.events():
            method, parameters = event["method"], event["params"]
            if method in ("Runtime.exceptionThrown", "Log.entryAdded"):
                problems.append(json.dumps(parameters))
            elif method == "Network.requestWillBeSent" and parameters["type"] != "Document":
                problems.append(parameters["request"]["url"])
        return problems
