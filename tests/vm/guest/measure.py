# SPDX-License-Identifier: MIT
"""In the first stage: loads each initramfs of /mnt by both ways, and prints a line of JSON for each load.

seconds: of reading and loading, from files that are in the page cache already. anonymous: the most bytes of memory of
its own that the loading process had, pages of files left out.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

KERNEL = "/mnt/kernel"
ARGUMENTS = "console=ttyAMA0"
LOADING = ("read kernel", "read initramfs", "prepare device tree", "load")


def watched(argv: list[str]) -> tuple[bytes, float, int]:
    """Output, seconds, and the peak of RssAnon, sampled."""
    began = time.monotonic()
    told = tempfile.TemporaryFile()  # noqa: SIM115 - not a pipe: nobody reads while it runs, and a full one would stop it
    process = subprocess.Popen(argv, stdout=told, stderr=subprocess.STDOUT)
    peak = 0
    while process.poll() is None:
        try:
            lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        except OSError:
            break
        peak = max([peak, *(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon"))])
        time.sleep(0.005)
    seconds = time.monotonic() - began
    process.wait()
    told.seek(0)
    output = told.read()
    if process.returncode:
        sys.exit(f"{argv}: {output.decode()}")
    return output, seconds, peak


# the files were made just now, and would be looked at twice; those of a machine that boots are older
time.clock_settime(time.CLOCK_REALTIME, time.time() + 3600)
for initrd in sorted(Path("/mnt").glob("*.cpio")):
    for path in (Path(KERNEL), initrd):
        with path.open("rb") as content:
            while content.read(1 << 20):
                pass
    native = ["python3", "-I", "-X", "utf8", "-m", "bootmenu", "boot", "--kernel", KERNEL, "--initrd", str(initrd)]
    native += ["--cmdline", ARGUMENTS, "--method", "kexec_load", "--load-only", "--force", "--json"]
    output, _, peak = watched(native)
    rows = [json.loads(line).get("progress", {}) for line in output.splitlines() if line.startswith(b"{")]
    seconds = sum(row["seconds"] for row in rows if row.get("state") == "done" and row["stage"] in LOADING)
    found = {"initrd": initrd.name, "way": "kexec_load", "seconds": round(seconds, 3), "anonymous": peak}
    found["stages"] = {row["stage"]: round(row["seconds"], 3) for row in rows if row.get("state") == "done"}
    print(json.dumps(found), flush=True)
    subprocess.run(["kexec", "-c", "-u"], check=True)
    tools = ["kexec", "-c", "-l", KERNEL, f"--initrd={initrd}", f"--command-line={ARGUMENTS}"]
    seconds, peak = watched(tools)[1:]
    found = {"initrd": initrd.name, "way": "kexec-tools", "seconds": round(seconds, 3), "anonymous": peak}
    print(json.dumps(found), flush=True)
    subprocess.run(["kexec", "-c", "-u"], check=True)
