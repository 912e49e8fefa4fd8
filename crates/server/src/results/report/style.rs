//! The page's style sheet. The policy of [`super::report_policy`] names its digest.

/// Light and dark, narrow and wide, on paper too.
pub(super) const STYLE: &str = "
:root{color-scheme:light dark;--paper:#f6f5f2;--card:#fff;--ink:#1d1f24;--faint:#6c7079;--edge:#e4e2dc;--grid:#eceae5;
--good:#2c8c6f;--bad:#cf4a3f;--open:#4a7fd0;--off:#a4a7ae;--accent:#5b5bd6;--down:#c9873a}
@media (prefers-color-scheme:dark){:root{--paper:#131417;--card:#1c1e22;--ink:#eceef2;--faint:#9a9fa9;--edge:#2c2f35;
--grid:#282b31;--good:#4fb894;--bad:#ef7569;--open:#7aa5ea;--off:#6a6e77;--accent:#8f8ff5;--down:#dba15c}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;
-webkit-font-smoothing:antialiased}
main{max-width:1080px;margin:0 auto;padding:48px 24px 64px}
header p.mark{margin:0 0 10px;font-size:12px;letter-spacing:.14em;text-transform:uppercase;color:var(--faint)}
h1{margin:0;font-size:32px;line-height:1.2;font-weight:650;letter-spacing:-.015em;overflow-wrap:anywhere}
header .source{margin:8px 0 0;color:var(--faint);font:13px/1.5 ui-monospace,'SF Mono',Menlo,Consolas,monospace;overflow-wrap:anywhere}
.chips{display:flex;flex-wrap:wrap;gap:6px;margin:14px 0 0;padding:0;list-style:none}
.chips li{padding:2px 10px;border:1px solid var(--edge);border-radius:99px;background:var(--card);font-size:13px}
.note{margin:20px 0 0;padding:10px 14px;border-left:3px solid var(--bad);background:var(--card);border-radius:0 8px 8px 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:28px 0 12px}
.figures div,section{background:var(--card);border:1px solid var(--edge);border-radius:12px}
.figures div{padding:14px 16px}
.figures dt{color:var(--faint);font-size:13px}
.figures dd{margin:2px 0 0;font-size:25px;font-weight:620;letter-spacing:-.01em;font-variant-numeric:tabular-nums;white-space:nowrap}
.figures dd small{display:block;min-height:1.5em;font-size:13px;font-weight:400;color:var(--faint);letter-spacing:0}
section{margin:12px 0 0;padding:20px}
section.parts-of{margin-top:0}
h2{margin:0 0 14px;font-size:15px;font-weight:640}
h2 small{font-weight:400;color:var(--faint);margin-left:6px}
.two{display:grid;grid-template-columns:repeat(auto-fit,minmax(380px,1fr));gap:12px;margin-top:12px}
.two section{margin:0}
svg{display:block}
svg.parts{width:100%;height:20px;border-radius:6px}
.key{display:flex;flex-wrap:wrap;gap:4px 22px;margin:12px 0 0;padding:0;list-style:none;font-size:14px}
.key li{display:flex;align-items:center;gap:7px}.key i{font-style:normal;color:var(--faint)}
svg.dot{width:10px;height:10px}
.good{fill:var(--good)}.bad{fill:var(--bad)}.open{fill:var(--open)}.off,.rest{fill:var(--off)}.accent{fill:var(--accent)}
table{border-collapse:collapse;width:100%;font-size:14px}
.bars th{font-weight:400;text-align:left;padding:4px 14px 4px 0;width:1%;max-width:260px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.bars td{padding:4px 0}.bars .bar{min-width:60px}.bars .bar svg{width:100%;height:14px;border-radius:4px}
.n{text-align:right;padding-left:14px!important;width:1%;white-space:nowrap;font-variant-numeric:tabular-nums}
.faint{color:var(--faint)}
svg.pace{width:100%;height:180px}.grid{stroke:var(--grid);fill:none;vector-effect:non-scaling-stroke}
.area{fill:var(--accent);opacity:.14}.line{fill:none;stroke:var(--accent);stroke-width:2;vector-effect:non-scaling-stroke}
.axis{display:flex;justify-content:space-between;margin:6px 0 0;color:var(--faint);font-size:13px;font-variant-numeric:tabular-nums}
svg.vector{width:100%;height:120px}.up{fill:var(--accent)}.down{fill:var(--down)}
.samples{display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:16px 12px}
figure{margin:0}
figure img{display:block;width:100%;height:150px;object-fit:contain;background:var(--grid);border-radius:8px}
figcaption{margin-top:6px;font-size:13px;line-height:1.35}
figcaption b{display:block;font-weight:560;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
figcaption span{display:block;color:var(--faint);font-size:12px;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.list th{font-weight:560;text-align:left;color:var(--faint);font-size:13px;padding:0 12px 6px 0}
.list td{padding:6px 12px 6px 0;border-top:1px solid var(--edge);vertical-align:top;overflow-wrap:anywhere}
.list td:first-child,.facts dd{font:13px/1.5 ui-monospace,'SF Mono',Menlo,Consolas,monospace}
.list td:nth-child(2){white-space:nowrap}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:4px 20px;margin:0}.facts dt{color:var(--faint)}
.facts dd{margin:0;overflow-wrap:anywhere}
footer{margin-top:24px;color:var(--faint);font-size:13px;text-align:center}
@media (max-width:460px){main{padding:28px 14px}.two{grid-template-columns:1fr}h1{font-size:25px}}
@media print{:root{color-scheme:light;--paper:#fff;--card:#fff;--ink:#000;--faint:#555;--edge:#ccc;--grid:#eee}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}main{max-width:none;padding:0}
section,figure,.figures div,tr{break-inside:avoid}.list{break-inside:auto}}
";
