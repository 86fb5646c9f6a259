"""The chapter of a report with recordings: the highest scored and the most confused clips."""

import pandas as pd

from asd_tf.evaluation.report.html import (
    Markup,
    breakable,
    chapter,
    count,
    data_uri,
    element,
    is_missing,
    join,
    number,
)
from asd_tf.evaluation.report.media import Media, read_media
from asd_tf.evaluation.report.ranking import LISTED, highest_scored, most_confused

_HIGHEST = (
    f"The {LISTED} clips with the highest scores relative to their sections. Scores of different"
    " sections are not comparable, so clips are ordered by how far the score is above the median of"
    " its section, divided by the interquartile range."
)
_CONFUSED = (
    f"The {LISTED} labeled clips that are ranked worst against the other class of their section:"
    " normal clips by the share of anomalous clips that score lower, anomalous clips by the share"
    " of normal clips that score higher. The mean of this share over either class is 1 - AUC."
)


def listening_chapter(clips: pd.DataFrame) -> Markup | None:
    """Builds a card with spectrogram and player for each of the clips worth listening to.

    Args:
        clips: Rows of `select_test_clips` with a score, the columns of the clip table that locate
            the samples, and the columns `section_key`, `title` and `shown_label`.

    Returns:
        The chapter, or None if there are no clips.
    """
    if clips.empty:
        return None
    highest, confused = highest_scored(clips), most_confused(clips)
    return chapter(
        "clips",
        "Clips to listen to",
        _list("Highest scores", "highest", _HIGHEST, highest),
        _list("Most confused", "confused", _CONFUSED, confused) if len(confused) else None,
    )


def _list(heading: str, name: str, explanation: str, clips: pd.DataFrame) -> Markup:
    cards = [_card(position + 1, clip) for position, (_, clip) in enumerate(clips.iterrows())]
    return join(
        element("h3", heading, id=name),
        element("p", explanation, class_="note"),
        element("ol", *cards, class_="clips"),
    )


def _card(position: int, clip: pd.Series) -> Markup:
    return element(
        "li",
        element(
            "header",
            element("span", position, class_="rank"),
            _name(clip["clip_id"]),
        ),
        _badges(clip),
        _facts(clip),
        _player(clip, read_media(clip)),
        class_="card",
    )


def _name(clip_id: str) -> Markup:
    """Returns the name of the folder above the name of the file."""
    folder, slash, name = clip_id.rpartition("/")
    return element(
        "div",
        element("span", breakable(folder + slash), class_="folder") if folder else None,
        element("h4", breakable(name)),
    )


def _badges(clip: pd.Series) -> Markup:
    label, decision = clip["shown_label"], clip["decision"]
    badges = [element("span", label, class_=f"badge {label.replace('no label', 'unlabeled')}")]
    if not is_missing(decision):
        words = {
            ("normal", 1): "false alarm",
            ("anomalous", 0): "missed",
            ("anomalous", 1): "correct alarm",
            ("normal", 0): "correct, no alarm",
        }
        default = "alarm" if decision == 1 else "no alarm"
        badges.append(element("span", words.get((label, int(decision)), default), class_="badge"))
    if "confusion" in clip:
        badges.append(element("span", _confusion(clip), class_="note"))
    return element("p", *badges, class_="badges")


def _confusion(clip: pd.Series) -> str:
    share = 100 * clip["confusion"]
    if clip["label"] == 1:
        return f"below {share:.0f} % of {count(clip['others'], 'normal clip')}"
    return f"above {share:.0f} % of {count(clip['others'], 'anomalous clip')}"


def _facts(clip: pd.Series) -> Markup:
    facts = [clip["title"], f"score {number(clip['score'])}"]
    if not is_missing(clip["domain"]):
        facts.insert(1, clip["domain"])
    if not is_missing(clip.get("p_value")):
        facts.append(f"p-value {clip['p_value']:.2g}")
    if not is_missing(clip["threshold"]):
        facts.append(f"threshold {number(clip['threshold'])}")
    attributes = clip["attributes"] if isinstance(clip["attributes"], dict) else {}
    facts += [f"{name} {value}" for name, value in attributes.items()]
    return element("p", " · ".join(map(str, facts)), class_="facts")


def _player(clip: pd.Series, media: Media | None) -> Markup:
    if media is None:
        text = "The recording cannot be read anymore: "
        return element("p", text, element("code", clip["path"]), class_="warning")
    name = clip["clip_id"]
    picture = element(
        "img",
        src=data_uri("image/png", media.picture),
        alt=f"Spectrogram of {name}, 0 to {media.sample_rate / 2000:g} kHz",
    )
    audio = element(
        "audio",
        controls=True,
        preload="metadata",
        src=data_uri("audio/flac", media.audio),
        aria_label=f"Recording {name}",
    )
    note = f"{media.seconds:.4g} s, 0 to {media.sample_rate / 2000:g} kHz from bottom to top"
    if media.is_cut:
        note = f"the first {media.seconds:.3g} of {media.clip_seconds:.4g} s; {note}"
    return element(
        "figure",
        element("div", picture, element("span", class_="cursor"), class_="spectrogram"),
        audio,
        element("figcaption", note),
    )
