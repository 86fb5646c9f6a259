"""In a real browser the report must render, sort, play and draw, and never execute a name."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import open_browser, wait_for
from matplotlib.image import imread
from reports import CLOSING, HOSTILE, report_of, write_recordings


@pytest.fixture(scope="module")
def driver(tmp_path_factory) -> Iterator:
    with open_browser(tmp_path_factory.mktemp("profile")) as chrome:
        yield chrome


@pytest.fixture(scope="module")
def report(scored_table, tmp_path_factory) -> Path:
    """The file of a report with recordings, of machines with hostile names."""
    folder = tmp_path_factory.mktemp("report")
    scored = write_recordings(scored_table(), folder, seconds=2)
    scored["machine"] = scored["machine"].replace({"fan": HOSTILE, "pump": CLOSING})
    scored["clip_id"] = "folder/" + HOSTILE + scored["clip_id"]
    # A section without a target domain, so that some cells of the tables have no value.
    section = (scored["machine"] == CLOSING) & (scored["section"] == "01")
    scored = scored[~(section & (scored["domain"] == "target"))].reset_index(drop=True)
    (folder / "report.html").write_text(report_of(scored, method=HOSTILE), encoding="utf-8")
    return folder / "report.html"


@pytest.fixture
def page(driver, report) -> Iterator:
    """The open report; no test may log an error in the browser or change what was loaded."""
    set_media(driver)
    driver.get_log("browser")
    driver.get(report.as_uri())
    yield driver
    assert driver.get_log("browser") == []
    assert driver.title.startswith(HOSTILE)
    assert driver.execute_script("return document.images.length") == 20


def set_media(driver, media: str = "", scheme: str = "light") -> None:
    """Sets the medium, such as `print`, and the color scheme of the system."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def all_of(driver, selector: str) -> list:
    return driver.find_elements("css selector", selector)


def first_of(driver, selector: str):
    return driver.find_element("css selector", selector)


def press(driver, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(driver).send_keys(*keys).perform()


def focused(driver):
    return driver.switch_to.active_element


def column(driver, index: int) -> list[str]:
    """Reads a column of the first table."""
    table = first_of(driver, "#result table")
    cells = table.find_elements("css selector", f"tbody tr > :nth-child({index})")
    return [cell.text for cell in cells]


def pixels(driver) -> np.ndarray:
    """Returns the pixels of the map [pixels, 4] in 0..1."""
    # getImageData would log a warning about its speed.
    uri = driver.execute_script("return document.getElementById('map-canvas').toDataURL()")
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return imread(io.BytesIO(content), format="png").reshape(-1, 4)


def background(driver) -> int:
    """Returns the brightness of the background, 0 to 255."""
    color = first_of(driver, "body").value_of_css_property("background-color")
    return int(color.split("(")[1].split(",")[0])


def test_the_page_renders_and_loads_nothing(page):
    for selector in (".card svg", "#clips img", "#clips audio", "#result table", "#map-canvas"):
        sizes = [element.size for element in all_of(page, selector)]
        assert sizes
        assert all(size["width"] > 50 and size["height"] > 5 for size in sizes)
    loaded = page.execute_script(
        "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    )
    assert all(name.startswith("data:") for name in loaded)
    natural = page.execute_script("return [...document.images].map((i) => i.naturalWidth)")
    assert min(natural) > 20


def test_a_click_sorts_and_a_second_reverses_the_order(page):
    head = all_of(page, "#result thead th")[3]
    button = first_of(head, "button")
    assert "AUC target" in button.text
    assert head.get_attribute("aria-sort") == "none"
    button.click()
    ascending = column(page, 4)
    assert head.get_attribute("aria-sort") == "ascending"
    values = [float(text) for text in ascending if text != "-"]
    assert values == sorted(values)
    button.click()
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, 4) == [*ascending[-2::-1], "-"]
    assert ascending[-1] == "-"
    means = first_of(page, "#result tfoot").text
    assert means.startswith("harmonic mean")


def test_tables_are_sorted_by_keyboard(page):
    from selenium.webdriver.common.keys import Keys

    heads = all_of(page, "#result thead th")
    before = column(page, 1)
    page.execute_script("arguments[0].focus()", first_of(heads[0], "button"))
    press(page, Keys.ENTER)
    press(page, Keys.SPACE)
    assert column(page, 1) == before[::-1] != before
    press(page, Keys.TAB, Keys.SPACE)
    sorts = [head.get_attribute("aria-sort") for head in heads]
    assert sorts[:2] == ["none", "ascending"]
    assert column(page, 2) == ["00", "00", "01", "01"]


def test_the_first_tab_stop_skips_the_navigation(page):
    from selenium.webdriver.common.keys import Keys

    press(page, Keys.TAB)
    skip = focused(page)
    assert skip.text == "Skip to the result"
    assert skip.rect["x"] >= 0
    assert skip.value_of_css_property("outline-style") == "solid"
    press(page, Keys.ENTER)
    assert focused(page).get_attribute("id") == "main"
    press(page, Keys.TAB)
    assert focused(page).get_attribute("class") == "scroll"
    press(page, Keys.TAB)
    assert focused(page).tag_name == "button"
    assert focused(page).value_of_css_property("outline-style") == "solid"


def test_starting_a_recording_pauses_the_other(page):
    from selenium.webdriver.common.keys import Keys

    first, second = all_of(page, "#clips audio")[:2]
    wait_for(page, "arguments[0].readyState > 0", first)
    assert page.execute_script("return arguments[0].duration", first) == pytest.approx(2)
    page.execute_script("arguments[0].focus()", first)
    press(page, Keys.SPACE)
    wait_for(page, "arguments[0].currentTime > 0.1", first)
    cursor = first_of(page, ".spectrogram .cursor")
    assert cursor.value_of_css_property("visibility") == "visible"
    page.execute_script("arguments[0].play()", second)
    wait_for(page, "arguments[0].currentTime > 0.1", second)
    assert page.execute_script("return arguments[0].paused", first)


def test_a_click_on_the_spectrogram_seeks(page):
    audio = all_of(page, "#clips audio")[2]
    wait_for(page, "arguments[0].readyState > 0", audio)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", audio)
    all_of(page, ".spectrogram")[2].click()
    wait_for(page, "Math.abs(arguments[0].currentTime - 1) < 0.05", audio)


def test_the_map_changes_its_colors(page):
    drawn_colors = []
    for name, entries in (("machine", 2), ("domain", 2), ("label", 2)):
        first_of(page, f"#map-controls input[value={name}]").click()
        drawn = pixels(page)
        opaque = drawn[drawn[:, 3] > 0.6][:, :3]
        assert len(opaque) > 500
        assert len(all_of(page, "#map-legend li")) == entries
        colors, counts = np.unique(opaque, axis=0, return_counts=True)
        drawn_colors.append({tuple(color) for color in colors[counts > 100]})
    assert len(set.union(*drawn_colors)) >= 5
    assert drawn_colors[0] != drawn_colors[1] != drawn_colors[2]


def test_the_map_shows_one_machine_alone(page):
    from selenium.webdriver.support.ui import Select

    machines = Select(first_of(page, "#map-controls select[name=machine]"))
    assert [option.text for option in machines.options] == ["all machines", CLOSING, HOSTILE]
    machines.select_by_index(2)
    assert [item.text for item in all_of(page, "#map-legend li")] == [f"{HOSTILE} (48)"]
    assert "of the variance" in first_of(page, "#map-note").text


def test_arrow_keys_move_from_clip_to_clip_on_the_map(page):
    from selenium.webdriver.common.keys import Keys

    page.execute_script("document.getElementById('map-canvas').focus()")
    tips = []
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP):
        press(page, key)
        tips.append(first_of(page, "#map-tip").text)
    assert len(set(tips)) == 3
    assert all(tip.startswith(f"folder/{HOSTILE}") and "score" in tip for tip in tips)
    press(page, Keys.ESCAPE)
    assert first_of(page, "#map-tip").text == ""


def test_the_theme_follows_the_system_until_switched(page):
    assert background(page) > 240
    set_media(page, scheme="dark")
    assert background(page) < 40
    assert first_of(page, "#theme").text == "Light"
    first_of(page, "#theme").click()
    assert background(page) > 240
    set_media(page)
    first_of(page, "#theme").click()
    assert background(page) < 40
    set_media(page, "print", "dark")
    assert background(page) > 240
    assert not first_of(page, "nav").is_displayed()


@pytest.mark.parametrize("width", [360, 1200])
def test_the_page_is_never_wider_than_the_screen(page, width):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.refresh()
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
        heads = all_of(page, "#result tbody th")
        page.execute_script("document.querySelector('.scroll').scrollLeft = 500")
        assert all(head.rect["x"] >= 0 for head in heads)
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
