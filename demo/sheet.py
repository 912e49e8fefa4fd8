"""The contact sheet: one HTML page that shows every result beside its figures."""

import html
import urllib.parse

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Darkroom contact sheet</title>
<style>
  :root {{ color-scheme: light dark; font: 15px/1.4 system-ui, sans-serif; }}
  body {{ margin: 2rem auto; max-width: 78rem; padding: 0 1rem; }}
  h1 {{ font-weight: 600; margin-bottom: .2rem; }}
  p {{ margin-top: 0; opacity: .75; }}
  ul {{ display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); list-style: none; padding: 0; }}
  li {{ border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-radius: .6rem; overflow: hidden; }}
  .fit {{ align-items: center; background: color-mix(in srgb, currentColor 7%, transparent); display: flex; height: 12rem; justify-content: center; }}
  .fit img {{ max-height: 100%; max-width: 100%; }}
  .about {{ display: flex; gap: .8rem; padding: .7rem; }}
  .about img {{ border-radius: .3rem; flex: none; height: 4rem; width: 4rem; }}
  .about b {{ display: block; overflow-wrap: anywhere; }}
  small {{ opacity: .75; }}
</style>
<h1>Darkroom contact sheet</h1>
<p>{count} photographs. Above: fit inside 480 × 480. Below: 160 × 160, cropped to where the detail is.</p>
<ul>
{cards}
</ul>
</html>
"""

CARD = """<li>
  <div class="fit"><img src="{fit}" alt="{name}, fit" loading="lazy"></div>
  <div class="about"><img src="{square}" alt="{name}, square" loading="lazy">
  <div><b>{name}</b><small>{bytes:,} → {result_bytes:,} bytes<br>{size} · {label}<br>{total:.1f} ms, of which {work:.1f} ms work</small></div></div>
</li>"""


def write_sheet(path, rows):
    """Writes the page; `rows` as the demo's table has them. Gives the path."""
    cards = []
    for row in rows:
        fit, square = (urllib.parse.quote(file.as_posix()) for file in row["files"])
        cards.append(CARD.format(**{**row, "name": html.escape(row["name"]), "label": html.escape(row["label"]), "fit": fit, "square": square}))
    path.write_text(PAGE.format(count=len(rows), cards="\n".join(cards)), encoding="utf-8")
    return path
