// Drawn for the console, on a grid of 20, with one line.
const paths = {
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  home: 'M3 9.5 10 3.5l7 6M5 8.5V16.5h10V8.5M8.5 16.5v-4h3v4',
  people: 'M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2 16.5c.4-3 2.6-4.5 5.5-4.5s5.1 1.5 5.5 4.5M13 9.3a2.6 2.6 0 1 0-.8-5.1M14.5 12.2c1.9.5 3.1 1.9 3.5 4.3',
  group: 'M10 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM4.5 16.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM15.5 16.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8.7 7.7 6 11.5M11.3 7.7 14 11.5',
  shield: 'M10 2.5 16 5v4.5c0 4-2.5 6.6-6 8-3.5-1.4-6-4-6-8V5Z',
  service: 'M3 6 10 2.5 17 6 10 9.5ZM3 10l7 3.5L17 10M3 14l7 3.5L17 14',
  log: 'M5 2.5h7l3.5 3.5v11.5h-10.5ZM7.5 8.5h5M7.5 11.5h5M7.5 14.5h3',
  schema: 'M7 3.5c-2 0-2.5 1-2.5 2.5v2c0 1-.5 2-2 2 1.5 0 2 1 2 2v2c0 1.5.5 2.5 2.5 2.5M13 3.5c2 0 2.5 1 2.5 2.5v2c0 1 .5 2 2 2-1.5 0-2 1-2 2v2c0 1.5-.5 2.5-2.5 2.5',
  relation: 'M5 7.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM15 17.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM7 7l6 6M13 9.5V13H9.5',
  check: 'M3.5 10.5 8 15l8.5-10',
  who: 'M8 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM2.5 16.5c.4-3 2.6-4.5 5.5-4.5M13.5 15.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM15.3 14.8l2.2 2.2',
  what: 'M3 3.5h5.5V9H3ZM11.5 3.5H17V9h-5.5ZM3 11.5h5.5V17H3ZM14 16a2.3 2.3 0 1 0 0-4.6 2.3 2.3 0 0 0 0 4.6ZM15.7 15.4l1.8 1.8',
  sandbox: 'M8 2.5h4M8.8 2.5v5L4 15.5c-.5 1 .1 2 1.3 2h9.4c1.2 0 1.8-1 1.3-2L11.2 7.5v-5M6.5 12.5h7',
  watch: 'M2 10c2-3.5 4.7-5.3 8-5.3s6 1.8 8 5.3c-2 3.5-4.7 5.3-8 5.3S4 13.5 2 10ZM10 12.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z',
  cluster: 'M3 3.5h14v5H3ZM3 11.5h14v5H3ZM6 6h.01M6 14h.01M9 6h5M9 14h5',
  backup: 'M3 3.5h14V8H3ZM4.5 8v8.5h11V8M8 11h4',
  runtime: 'M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6ZM10 2.5V5M10 15v2.5M2.5 10H5M15 10h2.5M4.7 4.7l1.8 1.8M13.5 13.5l1.8 1.8M4.7 15.3l1.8-1.8M13.5 6.5l1.8-1.8',
  search: 'M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM13 13l4 4',
  sun: 'M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1',
  moon: 'M16.5 11.5A7 7 0 0 1 8.5 3.5a7 7 0 1 0 8 8Z',
  help: 'M10 17.5a7.5 7.5 0 1 0 0-15 7.5 7.5 0 0 0 0 15ZM7.8 7.8c.2-1.2 1.1-1.9 2.3-1.9 1.3 0 2.3.8 2.3 2 0 1.7-2.3 1.8-2.3 3.6M10.1 14.2h.01',
  account: 'M10 10a3.3 3.3 0 1 0 0-6.6A3.3 3.3 0 0 0 10 10ZM3.5 17c.5-3.2 3-5 6.5-5s6 1.8 6.5 5',
  more: 'M5 10h.01M10 10h.01M15 10h.01',
  lock: 'M5 9h10v8H5ZM7 9V6.5a3 3 0 0 1 6 0V9M10 12v2',
  spark: 'M10 2.5 11.8 8.2 17.5 10l-5.7 1.8L10 17.5l-1.8-5.7L2.5 10l5.7-1.8Z',
  warning: 'M10 3 18 16.5H2ZM10 8v4M10 14.3h.01',
  filter: 'M3 4h14l-5.5 6.5V16l-3 1v-6.5Z',
  plus: 'M10 4v12M4 10h12',
  down: 'M5 7.5 10 12.5 15 7.5',
  right: 'M7.5 5 12.5 10 7.5 15',
  left: 'M12.5 5 7.5 10l5 5',
  close: 'M5 5l10 10M15 5 5 15',
  download: 'M10 3v9.5M6 9l4 4 4-4M4 16.5h12',
  upload: 'M10 13V3.5M6 7l4-4 4 4M4 16.5h12',
  play: 'M6 4l10 6-10 6Z',
  pause: 'M7 4v12M13 4v12',
  trash: 'M4 5.5h12M8 5.5v-2h4v2M5.5 5.5 6.3 17h7.4l.8-11.5',
  edit: 'M4 16l.7-3.3L13.5 4 16 6.5 7.3 15.3Z',
  graph: 'M10 6.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM5 17.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM15 17.5a2 2 0 1 0 0-4 2 2 0 0 0 0 4ZM10 6.5v3M10 9.5H5v4M10 9.5h5v4',
} as const

export type IconName = keyof typeof paths

/** Icon is decoration: whatever it says stands in words beside it. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth={name === 'more' ? 2.4 : 1.5} strokeLinecap="round" strokeLinejoin="round" aria-hidden focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}
