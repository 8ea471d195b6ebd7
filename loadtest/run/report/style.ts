/** The report's look: the reader's colour scheme, one column on a phone, and legible in print. */
export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1d2430; --soft: #5b6675; --line: #dfe4ea; --card: #f6f8fa;
  --good: #17693a; --good-paper: #dff3e6; --bad: #a3201d; --bad-paper: #fbe3e1;
  --s0: #1f6fd0; --s1: #d9600f; --s2: #1b8a5a; --s3: #a83fa3; --s4: #0d8a9c; --s5: #a07400; --s6: #c2314f; --s7: #5c6b7a; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181e; --ink: #e4e9ef; --soft: #9aa6b5; --line: #2c343f; --card: #1b2129;
    --good: #7fd8a3; --good-paper: #173325; --bad: #ff9d97; --bad-paper: #43201f;
    --s0: #6aa9ff; --s1: #ff9a57; --s2: #58cf97; --s3: #e08fdc; --s4: #4fd0e0; --s5: #e3bd4a; --s6: #ff7d97; --s7: #a8b5c4; }
}
* { box-sizing: border-box; }
[hidden] { display: none; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0 12px 0 0; display: inline; }
h2 { font-size: 18px; margin: 36px 0 12px; }
header p { color: var(--soft); margin: 8px 0 0; }
.badge { display: inline-block; vertical-align: 4px; padding: 1px 10px; border-radius: 99px; font-weight: 600; font-size: 13px; }
.passed { background: var(--good-paper); color: var(--good); }
.failed { background: var(--bad-paper); color: var(--bad); }
.better { color: var(--good); }
.worse { color: var(--bad); }
.warning { border-left: 4px solid var(--s1); background: var(--card); padding: 8px 14px; margin: 18px 0 0; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 22px 0 0; padding: 0; }
.tiles div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px;
  display: flex; flex-direction: column; justify-content: space-between; }
.tiles dt { color: var(--soft); font-size: 13px; }
.tiles dd { margin: 0; font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
.tiles dd small { font-size: 14px; font-weight: 400; color: var(--soft); }
.tiles .wrong { border-color: var(--bad); color: var(--bad); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 16px; }
figure { position: relative; margin: 0; padding: 14px 16px 8px; border: 1px solid var(--line); border-radius: 8px; break-inside: avoid; }
figcaption { font-weight: 600; }
.note { margin: 0; color: var(--soft); font-size: 13px; }
.empty { color: var(--soft); padding: 60px 0; text-align: center; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 6px 0 2px; padding: 0; list-style: none; font-size: 13px; }
.legend i { display: inline-block; width: 16px; margin-right: 6px; vertical-align: 4px; border-top: 3px solid var(--c); }
.legend .dashed i, .legend .p2 i { border-top-style: dashed; }
.legend .p1 i { border-top-style: dotted; }
.legend .p3 i { border-top-style: double; }
svg { display: block; width: 100%; min-width: 440px; height: auto; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--line); }
.axis, .tick { stroke: var(--soft); }
.cursor { stroke: var(--soft); stroke-dasharray: 3 3; }
.line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; }
.line.dashed { stroke-dasharray: 6 4; }
.line.p1 { stroke-dasharray: 2 3; }
.line.p2 { stroke-dasharray: 10 3; }
.line.p3 { stroke-dasharray: 10 3 2 3; }
.area { fill: var(--c); opacity: .14; }
circle { fill: var(--c); }
.s0 { --c: var(--s0); } .s1 { --c: var(--s1); } .s2 { --c: var(--s2); } .s3 { --c: var(--s3); }
.s4 { --c: var(--s4); } .s5 { --c: var(--s5); } .s6 { --c: var(--s6); } .s7 { --c: var(--s7); }
.tip { position: absolute; top: 40px; z-index: 1; padding: 6px 10px; border: 1px solid var(--line); border-radius: 6px;
  background: var(--paper); font-size: 13px; pointer-events: none; white-space: nowrap; box-shadow: 0 2px 10px #0003; }
.tip b { display: block; font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 16px 4px 0; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child { text-align: left; font-weight: 400; white-space: normal; min-width: 6.5em; }
thead th { color: var(--soft); font-weight: 400; font-size: 13px; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 0 40px; }
code { font-size: 13px; overflow-wrap: anywhere; }
@media print { .tip, .cursor { display: none; } }
`;
