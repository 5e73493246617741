// Texts that a careless hand on the way would change.
export const oddTexts = [
  'plain words',
  '<b>bold?</b> & "quotes" \'and\' ]]> &amp; <!-- no comment -->',
  'Grüße, žluťoučký kůň, ελληνικά, кириллица',
  '你好，世界 日本語 한국어',
  '👩‍🚀 🎈 𝄞 \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}',
  '</body></message><message to="nobody"><body>',
  'مرحبا שלום ‏mixed‎ directions',
  'two\nlines\tand a tab',
];
