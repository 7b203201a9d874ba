"""What is shipped: sdist to wheel to a clean environment, used from a folder full of namesakes."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LINKS = ("agent", "tools", "services", "memory", "skills")
NAMESAKES = ("agent", "tools", "services", "benchmarks", "scripts", "skills", "memory", "tests")


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-4000:])
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the sdist, as an index would get it."""
    built = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", built, cwd=ROOT)
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(built, filter="data")
    source = built / sdist.name.removesuffix(".tar.gz")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", built, cwd=source)
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def clean(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and the libraries that it needs, but without this checkout,
    and with a stranger's distribution that owns `tools` and `scripts`."""
    home = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", "--without-pip", home / "venv", cwd=home)
    python = home / "venv" / "bin" / "python"
    where = run(
        python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])", cwd=home
    ).strip()
    site = Path(where)
    for name in ("tools", "scripts"):
        (site / name).mkdir()
        (site / name / "__init__.py").write_text('OWNER = "a stranger"\n')
    # Libraries by path only: the links of an editable install beside them are not followed.
    (site / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return python


def test_only_the_package_is_installed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
        names = set(archive.namelist())
    assert {top for top in tops if not top.endswith(".dist-info")} == {"surveyor"}
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "surveyor").rglob("*.py")}
    assert here <= names
    assert not any("claims" in name for name in names)


def test_the_demo_runs_among_namesakes(clean: Path, tmp_path: Path) -> None:
    for name in NAMESAKES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not this one')\n")
    main = "from surveyor.cli.main import main; main()"
    told = run(clean, "-P", "-c", main, "demo", "--rooms", "1", "--seed", "3", cwd=tmp_path)
    assert "report: out/demo" in told
    owner = "import tools, scripts; print(tools.OWNER, scripts.OWNER)"
    assert "a stranger a stranger" in run(clean, "-P", "-c", owner, cwd=tmp_path)
    place = run(clean, "-P", "-c", "import surveyor; print(surveyor.__file__)", cwd=tmp_path)
    assert str(ROOT) not in place


def test_the_links_of_the_top_level_lead_into_the_package() -> None:
    """Without support for links (a zip, some file systems) they are absent or small text files;
    nothing imports through them."""
    for name in LINKS:
        link = ROOT / name
        if link.is_symlink():
            assert link.resolve() == ROOT / "surveyor" / name
            assert not link.readlink().is_absolute()
