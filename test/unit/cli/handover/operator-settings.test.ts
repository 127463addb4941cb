import { readOperatorSettings } from '../../../../src/cli/handover/operator-settings';

describe('what an operator has set, as a predecessor hands it over', () => {
  test.each([
    { mode: 'off', configured: 'on', isPopulationPaused: true },
    { configured: 'verify', isPopulationPaused: false },
  ])('%j is read', (settings) => {
    expect(readOperatorSettings(JSON.stringify(settings))).toEqual(settings);
  });

  test.each([
    ['a version that wrote its process id', '4711'],
    ['a version that has another mode', '{"mode":"dream","configured":"on","isPopulationPaused":false}'],
    ['a version that says less', '{"mode":"off"}'],
    ['something else', 'off'],
    ['nothing', ''],
  ])('of %s: as configured', (_, text) => {
    expect(readOperatorSettings(text)).toBeUndefined();
  });
});
