"""What there is to know of each benchmark before it is fetched, and the suites papers report.

Rows, licences and sizes are as their cards, files or harnesses state them ("~": from a paper);
check a licence before use. Nothing is fetched here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Listed:
    """One benchmark. ``hub`` is its Hugging Face id, "" where files come from elsewhere; ``where``
    says then from where. ``frames`` is the rule that EASI shows videos by, ``split`` the one that
    suites run; ``rows`` are that split's."""

    name: str
    hub: str
    split: str
    rows: str
    size: str
    licence: str
    frames: str = "all"
    where: str = ""

    @property
    def splits(self) -> tuple[str, ...]:
        """All splits that the loader reads, the default first."""
        return loader_named(self.name).splits

    def fetch_line(self, out: str = "") -> str:
        """The command that fetches the files and makes a dataset of them."""
        place = out or f"datasets/{self.name}"
        rule = "" if self.frames == "all" else f" --frames {self.frames}"
        part = "" if self.split == self.splits[0] else f" --split {self.split}"
        if not self.hub:
            return f"surveyor load {self.name} FOLDER {place}{part}{rule}  # {self.where}"
        return f"surveyor load {self.name} {place} --hub {self.hub}{part}{rule}"


_ENTRIES: Final = (
    Listed(
        *("vsi-bench", "nyu-visionx/VSI-Bench", "test", "5,130", "zips", "Apache-2.0"),
        frames="uniform:32",
    ),
    Listed("mmsi-bench", "RunsenXu/MMSI-Bench", "test", "1,000", "parquet", "see the card"),
    Listed("mindcube", "MLL-Lab/MindCube", "tiny", "~1,050", "3,268 pictures", "none stated"),
    Listed("viewspatial", "lidingm/ViewSpatial-Bench", "test", "5,712", "zips", "Apache-2.0"),
    Listed(
        *("site", "franky-veteran/SITE-Bench", "test", "8,068"),
        *("13,172 pictures, 3,808 videos", "none stated"),
        frames="uniform:32",
    ),
    Listed("blink-14", "BLINK-Benchmark/BLINK", "val", "~1,901", "parquet", "Apache-2.0"),
    Listed("3dsrbench", "ccvl/3DSRBench", "circular", "~11,700", "843 MB", "CC BY 4.0"),
    Listed("embspatial", "Phineas476/EmbSpatial-Bench", "test", "~3,640", "254 MB", "CC BY 4.0"),
    Listed("spar", "jasonzhango/SPAR-Bench", "test", "7,207", "parquet", "see the card"),
    Listed("mmsi-video", "rbler/MMSI-Video-Bench", "u50", "1,106", "zips", "CC BY-NC 4.0"),
    Listed("omnispatial", "qizekun/OmniSpatial", "test", "1,533", "1.66 GB", "CC BY-NC 4.0"),
    Listed("revsi", "3dlg-hcvc/ReVSI", "32_frame", "see the card", "videos", "see the card"),
    Listed("refspatial", "BAAI/RefSpatial-Bench", "test", "277", "43 MB", "Apache-2.0"),
    Listed("robospatial", "chanhee-luke/RoboSpatial-Home", "test", "~350", "zips", "see the card"),
    Listed("erqa", "FlagEval/ERQA", "test", "400", "parquet", "see the card"),
    Listed(
        *("vsi-super", "nyu-visionx/VSI-SUPER-Recall", "recall_10mins", "~60"),
        *("tens of GB", "Apache-2.0"),
        frames="uniform:32",
    ),
    Listed("cv-bench-3d", "nyu-visionx/CV-Bench", "test", "1,200", "parquet", "Apache-2.0"),
    Listed("blink", "BLINK-Benchmark/BLINK", "val", "~400", "parquet", "Apache-2.0"),
    *(
        Listed(name, "", split, rows, "", "ScanNet's terms", frames="uniform:32", where=where)
        for name, split, rows, where in (
            ("scanqa", "val", "4,675", "github.com/ATR-DBI/ScanQA"),
            ("sqa3d", "test", "3,519", "zenodo.org/records/7792397"),
            ("scanrefer", "val", "9,508", "daveredrum.github.io/ScanRefer"),
            ("multi3drefer", "val", "11,120", "3dlg-hcvc.github.io/multi3drefer"),
            ("reason3d", "val", "", "github.com/KuanchihHuang/Reason3D"),
            ("scan2cap", "val", "", "ScanRefer's files; github.com/daveredrum/Scan2Cap"),
            ("gpt4scene", "val", "", "github.com/Qi-Zhangyang/GPT4Scene"),
        )
    ),
    Listed("skill3d", "", "vsi_test", "", "", "", where="the frame's own split files"),
    Listed(
        "own", "", "test", "", "", "yours", where="questions of your own, in docs/benchmarks.md"
    ),
)
CATALOG: Final[Mapping[str, Listed]] = MappingProxyType({entry.name: entry for entry in _ENTRIES})
"""Every benchmark that loads, those of EASI-8 first."""

EASI_8: Final = (
    *("vsi-bench", "mmsi-bench", "mindcube", "viewspatial", "site", "blink-14", "3dsrbench"),
    "embspatial",
)
SUITES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {"easi-8": EASI_8, "easi-extra": ("mmsi-video", "omnispatial", "spar")}
)


def named(text: str) -> tuple[Listed, ...]:
    """The benchmarks of a suite, or of names with commas between them, each once; `UserError` that
    lists what there is."""
    names = [
        name
        for part in text.split(",")
        if part
        for name in SUITES.get(part.strip(), (part.strip(),))
    ]
    for name in names:
        if name not in CATALOG:
            known = ", ".join((*SUITES, *CATALOG))
            raise UserError(f"there is no benchmark or suite {name!r}; choose from: {known}")
    if not names:
        raise UserError(f"name a suite ({', '.join(SUITES)}) or benchmarks, as vsi-bench,site")
    return tuple(CATALOG[name] for name in dict.fromkeys(names))
