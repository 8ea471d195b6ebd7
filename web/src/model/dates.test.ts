import { describe, expect, it } from 'vitest';
import { briefLabel, dayLabel, dayOf, fullLabel, marginLabel, timeLabel } from './dates.ts';

const NOW = new Date(2026, 4, 5, 12, 0, 0).getTime();
const NOON = NOW / 1000;

describe('dates', () => {
  it('names today and yesterday', () => {
    expect(dayLabel(NOON - 3600, NOW)).toBe('Today');
    expect(dayLabel(NOON - 86_400, NOW)).toBe('Yesterday');
  });

  it('names the year of other years only', () => {
    expect(dayLabel(NOON - 20 * 86_400, NOW)).not.toContain('2026');
    expect(dayLabel(NOON - 400 * 86_400, NOW)).toContain('2025');
  });

  it('shows the time of what is from today, and the day of older ones', () => {
    expect(briefLabel(NOON, NOW)).toBe(timeLabel(NOON));
    expect(briefLabel(NOON - 20 * 86_400, NOW)).toMatch(/15/);
  });

  it('fits into a margin', () => {
    expect(marginLabel(NOON + 3661)).toMatch(/^\d{1,2}[:.]01$/);
    expect(marginLabel(Number.NaN)).toBe('?');
  });

  it('tells days apart', () => {
    expect(dayOf(NOON)).toBe(20_260_505);
    expect(dayOf(NOON + 86_400)).toBe(20_260_506);
  });

  it('shows a date that no calendar has', () => {
    expect([timeLabel(1e20), fullLabel(Number.NaN)]).toEqual(['?', '?']);
  });
});
