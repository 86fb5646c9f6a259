"""Headless Chromium, as installed: selenium downloads nothing."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
REASON = "needs chromium and chromedriver (Debian: chromium, chromium-driver) and selenium"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1200,900",
)


@contextlib.contextmanager
def open_browser(profile: Path) -> Iterator:
    """Opens a browser; without one, skips the test, or fails it if ASD_REQUIRE_CHROMIUM is 1.

    Args:
        profile: Folder for the profile of the browser.
    """
    try:
        from selenium import webdriver
    except ImportError:
        webdriver = None
    if not (CHROMIUM and DRIVER and webdriver):
        if os.environ.get("ASD_REQUIRE_CHROMIUM") == "1":
            pytest.fail(REASON)
        pytest.skip(REASON)
    options = webdriver.ChromeOptions()
    # With both paths given, selenium neither searches for them nor downloads them.
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield chrome
    finally:
        chrome.quit()


def wait_for(driver, script: str, *arguments) -> None:
    """Waits until an expression of JavaScript is true."""
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, 10).until(lambda _: driver.execute_script(f"return {script}", *arguments))
