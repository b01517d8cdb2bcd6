# SPDX-License-Identifier: MIT
"""Lists the files of the repository for the checks in this folder."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

SKIPPED_FOLDERS = {".git", ".deps", "build", "__pycache__"}


def repo_files(root: Path) -> list[Path]:
    """Every tracked or new file below root, relative to it and sorted; by a plain walk where git cannot say."""
    try:
        out = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            check=True, capture_output=True).stdout
        names = {Path(os.fsdecode(name)) for name in out.split(b"\0") if name}
        files = [name for name in names if (root / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        files = []
        for folder, subfolders, names in os.walk(root):
            subfolders[:] = [name for name in subfolders if name not in SKIPPED_FOLDERS]
            files += [Path(folder, name).relative_to(root) for name in names]
    return sorted(files)
