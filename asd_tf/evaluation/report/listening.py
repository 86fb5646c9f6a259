"""The part of a report that can be heard: the clips that stand out."""

import pandas as pd

from asd_tf.evaluation.report.html import (
    Markup,
    breakable,
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
    f"The {LISTED} clips that stand highest in their sections. Sections have scales of their own,"
    " so clips are ordered by the distance of the score from the median of its section, divided by"
    " the distance between its quartiles."
)
_CONFUSED = (
    f"The {LISTED} labelled clips that stand deepest among those of the other class: normal clips"
    " by the share of the anomalous clips of their section that score lower, anomalous clips by the"
    " share of the normal ones that score higher. The mean of this share is 1 - AUC."
)


def listening_section(clips: pd.DataFrame) -> Markup | None:
    """Builds a card with spectrogram and player for each clip that stands out.

    Args:
        clips: Rows of `tested_clips` with a score, with the columns of the clip table that say
            where the samples are, and the columns `group`, `title` and `shown_label`.
    """
    if clips.empty:
        return None
    highest, confused = highest_scored(clips), most_confused(clips)
    return element(
        "section",
        element("h2", "Clips to listen to", id="clips-title"),
        _list("Highest scores", "highest", _HIGHEST, highest),
        _list("Most confused", "confused", _CONFUSED, confused) if len(confused) else None,
        id="clips",
        aria_labelledby="clips-title",
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
        _verdict(clip),
        _facts(clip),
        _player(clip, read_media(clip)),
        class_="card",
    )


def _name(clip_id: str) -> Markup:
    """Returns the name of the file, and above it that of its folder."""
    folder, slash, name = clip_id.rpartition("/")
    return element(
        "div",
        element("span", breakable(folder + slash), class_="folder") if folder else None,
        element("h4", breakable(name)),
    )


def _verdict(clip: pd.Series) -> Markup:
    label, decision = clip["shown_label"], clip["decision"]
    badges = [element("span", label, class_=f"badge {label.replace('no label', 'unlabelled')}")]
    if not is_missing(decision):
        words = {
            ("normal", 1): "false alarm",
            ("anomalous", 0): "missed",
            ("anomalous", 1): "alarm, right",
            ("normal", 0): "no alarm, right",
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
    if not is_missing(clip["threshold"]):
        facts.append(f"threshold {number(clip['threshold'])}")
    attributes = clip["attributes"] if isinstance(clip["attributes"], dict) else {}
    facts += [f"{name} {value}" for name, value in attributes.items()]
    return element("p", " · ".join(map(str, facts)), class_="facts")


def _player(clip: pd.Series, media: Media | None) -> Markup:
    if media is None:
        text = "The recording could not be read any more: "
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
    note = f"0 to {media.sample_rate / 2000:g} kHz upwards, {media.seconds:.4g} s"
    if media.is_cut:
        note = f"the first {media.seconds:.3g} of {media.whole_seconds:.4g} s are here; {note}"
    return element(
        "figure",
        element("div", picture, element("span", class_="cursor"), class_="spectrogram"),
        audio,
        element("figcaption", note),
    )
