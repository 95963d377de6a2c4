/** Documents that nest, by the way they do it: `count` times the depth of what is in them. */
export const nested: Readonly<Record<string, (depth: number) => string>> = {
  'flow sequences': (depth) => '['.repeat(depth) + ']'.repeat(depth),
  'open flow sequences': (depth) => '['.repeat(depth),
  'flow mappings': (depth) => '{a: '.repeat(depth) + '}'.repeat(depth),
  'open flow mappings': (depth) => '{'.repeat(depth),
  'both in turn': (depth) => '[{a: '.repeat(depth / 2) + '}]'.repeat(depth / 2),
  'flow keys': (depth) => '{? '.repeat(depth) + '}'.repeat(depth),
  'compact sequences': (depth) => '- '.repeat(depth),
  'compact explicit keys': (depth) => '? '.repeat(depth),
  'compact in turn': (depth) => '- ? '.repeat(depth / 2),
  'stray values': (depth) => ': '.repeat(depth),
  'anchors and tags': (depth) => '- &a !!seq '.repeat(depth),
  'block mappings': (depth) => indented(Math.min(depth, 1_200), 'a:'),
  'block sequences': (depth) => indented(Math.min(depth, 1_200), '-'),
}

function indented(depth: number, key: string): string {
  return Array.from({ length: depth }, (_, level) => `${' '.repeat(level)}${key}\n`).join('')
}
