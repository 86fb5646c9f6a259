"""What `--help` says of the commands of `asd-detector`."""

DESCRIPTION = """
Shows, evaluates, checks, signs and changes a detector, and says whether recordings still are as in
training. Given is its folder, or that of its run.

  asd-detector info DETECTOR
  asd-detector card DETECTOR --output=README.md
  asd-detector evaluate DETECTOR DATA --out=FOLDER
  asd-detector drift DETECTOR RECORDINGS
  asd-detector verify DETECTOR
  asd-detector sign DETECTOR --key=private.pem
  asd-detector verify DETECTOR --key=public.pem

These write a new version beside it, DETECTOR.v2, or to --output:

  asd-detector threshold DETECTOR --false_alarms=0.05
  asd-detector add DETECTOR RECORDINGS
  asd-detector remove DETECTOR --clips='*2026-11-03*'
  asd-detector feedback DETECTOR alarms.csv

`asd-detector COMMAND --help` says more.
"""

CARD = """
Writes a page in Markdown for those who get the detector: what it is, what it was calibrated with,
what its thresholds promise, and how it is used. It is printed, or written to the file --output,
which must lie outside of the folder of the detector.

  asd-detector card runs/wilkinghoff-quick-simulated-seed0 --output=README.md
"""

DRIFT = """
Says of each machine and section whether recent recordings still are like those of training: their
scores, the features of the networks, the levels of frequency bands, the sensor, and whether there
is a recording from which on they have changed. No labels are needed, and the recordings should be
of a machine that is taken for healthy. At least 10 recordings are compared.

  asd-detector drift DETECTOR /data/this_week/fan
  asd-detector drift DETECTOR recordings.csv --by=time --output=drift.json --fail_on_drift

They are taken in the order of time in which they are named (files of a folder by their names);
--by=COLUMN sorts by a column of the manifest, --by=modified by the time of the last change.

Exit status 0 if every file was read, drifted or not, else 1; 3 with --fail_on_drift if a machine
and section has drifted. docs/detectors.md says what is compared, and how often it errs.
"""

EVALUATE = """
Evaluates a detector on labeled data, without the run that made it: report, metrics, scores and
plots, as an evaluation of a run. Data are folders as for asd-train, or manifests; their test clips
are judged, and rows of a manifest without a split are test clips. Clips without a label, and of
machines that the detector does not know, are counted.

  asd-detector evaluate DETECTOR /data/new --out=evaluation
  asd-detector evaluate DETECTOR labeled.csv --out=evaluation
  asd-detector evaluate DETECTOR /data/dcase2022 --ground_truth=evaluator.zip --out=evaluation
"""

INFO = """
Shows what a detector is: method, recipe, format, sample rate, frames, machines, thresholds and
signature.
The files are compared with their checksums; the networks are not loaded.

  asd-detector info runs/wilkinghoff-quick-simulated-seed0
"""

SIGN = """
Signs a detector: whoever has the key can check that it was made by you and is unchanged. A key of
ed25519 has a private part to sign and a public one to check; a secret file of 32 bytes or more
(HMAC-SHA256) does both. A signature that is there is replaced.

  openssl genpkey -algorithm ed25519 -out private.pem
  openssl pkey -in private.pem -pubout -out public.pem
  asd-detector sign DETECTOR --key=private.pem
"""

VERIFY = """
Checks a detector: every value and file against its checksum, the operations of its networks, its
backends; with --key, that it was signed with the key. Exit status 0 if it is whole, else 1.

  asd-detector verify DETECTOR --key=public.pem
"""

THRESHOLD = """
Writes a version with thresholds for another share of false alarms, from the calibration scores
that the detector has; --reset takes the share of its training. Nothing is fitted.

  asd-detector threshold DETECTOR --false_alarms=0.05
  asd-detector threshold DETECTOR.v2 --reset
"""

ADD = """
Writes a version in which normal recordings join the backends and the calibration, as after a
service of the machine: of machines and sections that are known, or of a new section of a known
machine. The networks stay as they are. Recordings that are there are skipped, by their content.

  asd-detector add DETECTOR /data/after_service/fan
  asd-detector add DETECTOR /data/new_tool --machine=fan --section=03 --domain=target
"""

REMOVE = """
Writes a version without some of the normal recordings, or without a section. --clips is an audio
file or a folder, whose content is looked for; a table (.csv) with the column clip_id; or a pattern
of names.

  asd-detector remove DETECTOR --clips='*2026-11-03*'
  asd-detector remove DETECTOR --machine=fan --section=03
"""

FEEDBACK = """
Writes a version from alarms that people have judged. The table has the columns path (or clip_id)
and verdict, and may have machine, section, domain and comment. What is `dismissed` joins the normal
recordings, as with `add`. What is `confirmed` is kept to measure later versions on; nothing is ever
fitted to it. The version before is the way back.

  asd-detector feedback DETECTOR alarms.csv
"""
