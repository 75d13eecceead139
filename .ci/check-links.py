#!/usr/bin/env python3
"""Every link between the repository's pages leads to a file and a heading that exist, and every path that they
name in code style exists; README.md leads to every page."""
import re
import subprocess
import sys
from pathlib import Path

PATH = re.compile(r"`((?:src|sandbox-images|test-cases|docker|\.ci)/[\w./-]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page):
    """Headings as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


root = Path(__file__).resolve().parent.parent
names = subprocess.run(["git", "ls-files", "*.md"], cwd=root, check=True, capture_output=True, text=True).stdout
pages = [root / name for name in names.split()]
problems = []
leads_to = {}
for page in pages:
    # Indented code is not prose.
    prose = "\n".join(line for line in page.read_text().splitlines() if not line.startswith("    "))
    for link in LINK.findall(prose):
        if link.startswith(("http:", "https:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            problems.append(f"{page.relative_to(root)}: {link} leads nowhere")
        elif anchor and anchor not in anchors(target):
            problems.append(f"{page.relative_to(root)}: {link}: there is no such heading")
        leads_to.setdefault(page, set()).add(target)
    problems += [f"{page.relative_to(root)}: {path} does not exist" for path in PATH.findall(prose) if not (root / path).exists()]

reached, open_pages = set(), [root / "README.md"]
while open_pages:
    page = open_pages.pop()
    if page not in reached:
        reached.add(page)
        open_pages.extend(leads_to.get(page, ()))
problems += [f"{page.relative_to(root)} cannot be reached from README.md" for page in pages if page not in reached]

print("\n".join(problems) or f"{len(pages)} pages, every link and path leads somewhere")
sys.exit(bool(problems))
