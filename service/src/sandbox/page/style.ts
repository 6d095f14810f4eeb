export const style = `:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --text: #1b1f24; --faint: #57606a; --line: #d0d7de;
  --good: #176b33; --good-back: #e3f4e8; --warn: #7d4e00; --warn-back: #fff3d6; --bad: #a40e26; --link: #1a5fb4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1216; --card: #191e24; --text: #e6e9ed; --faint: #a2adb9; --line: #3a434d;
    --good: #6fdc8c; --good-back: #12301c; --warn: #f0c060; --warn-back: #372a0c; --bad: #ff8f9b; --link: #7ab7ff;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1600px; padding: 20px; background: var(--page); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
h1, h2, h3, p, ul, ol { margin: 0; padding: 0; }
h1 { font-size: 22px; }
h2 { font-size: 15px; margin-bottom: 8px; }
h3 { font-size: 15px; }
ul, ol.boxes { list-style: none; }
code { font: 12px/1.4 ui-monospace, Menlo, Consolas, monospace; }
header p { color: var(--faint); }
#verdict { margin: 12px 0 20px; padding: 10px 14px; border-radius: 8px; font-size: 15px; font-weight: 600; min-height: 42px; }
#verdict.whole { color: var(--good); background: var(--good-back); }
#verdict.unfinished { color: var(--warn); background: var(--warn-back); }
main { display: grid; gap: 20px; grid-template-columns: minmax(0, 1fr) 340px; align-items: start; }
#side { display: grid; gap: 20px; }
#side section, .number { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.number { margin-bottom: 10px; }
.head { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; margin-bottom: 8px; }
.state { border-radius: 20px; padding: 0 9px; font-size: 12px; color: var(--faint); border: 1px solid var(--line); }
.connected .state { color: var(--good); background: var(--good-back); border-color: transparent; }
.unfinished .state { color: var(--warn); background: var(--warn-back); border-color: transparent; }
.note, .empty { color: var(--faint); font-size: 12px; }
.box { position: relative; min-width: 0; padding: 6px 8px; border: 1px solid var(--line); border-left: 4px solid var(--good); border-radius: 6px; overflow-wrap: anywhere; }
.box > * { display: block; }
.box .label { font-size: 12px; font-weight: 600; }
.box.other { border-left-color: var(--warn); }
.box.none { border-style: dashed; border-left-width: 1px; border-left-color: var(--line); color: var(--faint); }
.box.none .id { font-size: 12px; }
.path { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: 20px; }
.path .box:not(:first-child, .outbound)::before { content: '→' / ''; position: absolute; left: -20px; top: 50%; translate: 0 -50%; color: var(--faint); }
.sip .box:first-child { grid-column-start: 2; }
#left-over .boxes { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 10px; }
#left-over .box { background: var(--card); border-left-color: var(--warn); }
.fields { display: grid; gap: 2px; margin: 8px 0; }
.fields label { font-weight: 600; font-size: 12px; }
.fields select { margin-bottom: 6px; }
select, button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: 6px 10px; min-height: 34px; max-width: 100%; }
button { cursor: pointer; }
button:hover { border-color: var(--link); }
:is(select, button):focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
.buttons { display: flex; flex-wrap: wrap; gap: 6px; }
#armed { margin: 10px 0; overflow-wrap: anywhere; }
#said { margin-top: 6px; color: var(--faint); font-size: 12px; min-height: 18px; }
#calls { padding-left: 34px; font-size: 12px; color: var(--faint); overflow-wrap: anywhere; }
#calls code { color: var(--text); }
#calls .empty { list-style: none; margin-left: -34px; }
.fault { color: var(--bad); font-size: 12px; font-weight: 600; }
@media (max-width: 1000px) {
  main { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 760px) {
  body { padding: 12px; }
  .path { display: block; }
  .path .box { display: grid; grid-template-columns: 112px minmax(0, 1fr); column-gap: 8px; margin-top: 4px; padding: 4px 8px; }
  .path .box > :not(.label) { grid-column: 2; }
  .path .box:not(:first-child, .outbound)::before { content: none; }
  .path .outbound { margin-top: 10px; }
  .number.nothing .box.none { display: none; }
  button, select { min-height: 44px; }
}
`;
