import { expect, it } from 'vitest';
import { bodyOf } from './dashboard.ts';

const names = {
  region: 'eu-central-1',
  namespace: 'Trunkline/dev',
  loadBalancer: 'app/t/1',
  targetGroup: 'targetgroup/t/2',
  cluster: 'c',
  service: 's',
};

it('places widgets in rows of three within the 24 columns, without overlap', () => {
  const { widgets } = bodyOf({ ...names, database: 'd' });
  expect(widgets.every(({ x, width }) => x + width <= 24)).toBe(true);
  expect(new Set(widgets.map(({ x, y }) => `${x},${y}`)).size).toBe(widgets.length);
});

it('shows the database if it is created here', () => {
  const titles = (database?: string) =>
    bodyOf({ ...names, database }).widgets.map(({ properties }) => properties.title);
  expect(titles('d').filter((title) => !titles().includes(title))).toEqual([
    'Database',
    'Connections of the database',
    'Memory left to the database',
  ]);
});
