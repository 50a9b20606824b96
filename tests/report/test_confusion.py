"""The confusion matrix is counted from per-row scores and drawn as a picture that is safe to open."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from hpo.records.folder import RunFolder
from hpo.records.provenance import class_names
from hpo.report.confusion import confusion_counts, confusion_svg

SVG = "{http://www.w3.org/2000/svg}"


def run_folder(root: Path, columns: dict[str, list[float]]) -> RunFolder:
    folder = RunFolder(root)
    folder.data.mkdir(parents=True)
    labels = pd.DataFrame({"id": ["1", "2", "3"], "label": ["bugs", "billing", "sales"]})
    labels.to_parquet(folder.data / "train.parquet")
    folder.scores(7).parent.mkdir()
    pd.DataFrame({"id": [str(i) for i in range(len(next(iter(columns.values()))))], **columns}).to_parquet(
        folder.scores(7)
    )
    return folder


def test_rows_are_true_classes_and_the_last_column_is_no_class(tmp_path: Path) -> None:
    columns = {"classification.label": [0, 0, 1, 2, float("nan")], "classification.prediction": [0, 1, 1, -1, 2]}
    counted = confusion_counts(run_folder(tmp_path, columns), 7)
    assert counted is not None
    names, counts = counted
    assert names == ("billing", "bugs", "sales")
    np.testing.assert_array_equal(counts, [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])


def test_a_trial_without_classes_has_no_matrix(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, {"regression.error": [0.5]})
    assert confusion_counts(folder, 7) is None and confusion_counts(folder, 8) is None


def test_codes_stand_in_where_the_rows_are_not_kept(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, {"classification.label": [0, 3], "classification.prediction": [0, 3]})
    counted = confusion_counts(folder, 7)
    assert counted is not None and counted[0] == ("0", "1", "2", "3")
    assert class_names(tmp_path / "absent") == ()


def test_the_picture_is_xml_with_escaped_names_and_counts() -> None:
    counts = np.array([[12.0, 3.0, 0.0], [0.0, 0.0, 0.0]])
    tree = ElementTree.fromstring(confusion_svg(["<script>a</script>", "b & c"], counts, "study\x1b <b>"))
    words = [text.text for text in tree.iter(f"{SVG}text")]
    assert "<script>a</script>" in words and "b & c" in words and "12" in words and "study <b>" in words
    assert "(no class)" not in words
    shades = [rect.get("fill") for rect in tree.iter(f"{SVG}rect")][1:]
    assert shades == ["rgb(57,106,169)", "rgb(206,218,234)", "rgb(255,255,255)", "rgb(255,255,255)"]


@pytest.mark.parametrize("k", [1, 16, 60])
def test_many_classes_keep_a_size_that_can_be_shown(k: int) -> None:
    tree = ElementTree.fromstring(confusion_svg([f"class {i}" for i in range(k)], np.ones((k, k + 1)), "t"))
    assert int(str(tree.get("width"))) < 1600
    assert any(text.text == "class 0" for text in tree.iter(f"{SVG}text")) == (k <= 40)
