import { proxyModes } from '../../config/config-schema';
import type { ProxyControl } from '../../control/proxy-control';
import { html, type Html } from './html';

const meanings: Readonly<Record<(typeof proxyModes)[number], string>> = {
  on: 'learn and restrict',
  verify: 'the same, and compare a share of the results',
  observe: 'learn and report, change no statement',
  off: 'relay only',
};

/** What the form has for the mode of the configuration. */
export const asConfigured = 'configured';

/** The mode in force; where there is a token, a form that sets another one. */
export function modeForm(mode: ProxyControl['mode'] | undefined, canChange: boolean): Html {
  if (mode === undefined) return html`<p class="mode">starting</p>`;
  const { mode: current, isSet, configured } = mode;
  const said = html`<p class="mode">
    mode <b class="${current}">${current}</b>
    <span
      >${meanings[current]}${isSet ? html`; set by an operator, configured is <em>${configured}</em>` : ''}</span
    >
  </p>`;
  if (!canChange) return said;
  return html`${said}
    <details class="switch" data-key="mode">
      <summary>switch</summary>
      <form method="post" action="/mode">
        <fieldset>
          <legend>mode, until it is set again or the process ends</legend>
          ${proxyModes.map((each) => html`<label><input type="radio" name="mode" value="${each}" ${each === current && isSet ? html` checked` : ''} /> <b>${each}</b> <span>${meanings[each]}</span></label>`)}
          <label
            ><input type="radio" name="mode" value="${asConfigured}" ${isSet ? '' : html` checked`} />
            <b>as configured</b> <span>${configured}</span></label
          >
        </fieldset>
        <input name="user" value="pcache" autocomplete="username" hidden />
        <label class="token"
          >token <input type="password" name="token" autocomplete="current-password" spellcheck="false"
        /></label>
        <button>Set mode</button> <output role="status"></output>
      </form>
    </details>`;
}
