import { createTheme, defaultVariantColorsResolver, type CSSVariablesResolver, type MantineColorsTuple, type VariantColorsResolver } from '@mantine/core'

const sea: MantineColorsTuple = ['#e6f6f5', '#cdeae8', '#9fd8d5', '#6cc5c0', '#45b5af', '#2aa7a0', '#16978f', '#0c827b', '#0b6e69', '#075652']
const dark: MantineColorsTuple = ['#dde1e6', '#bac1ca', '#9aa3ae', '#747e8a', '#454e5a', '#343c47', '#272d36', '#1b2028', '#151920', '#0f1217']

// The library's "light" variant misses 4.5:1 for green and yellow text: both
// schemes take the neutral text colour on it, over a calmer ground with an edge.
const variantColorResolver: VariantColorsResolver = (input) => {
  const colors = defaultVariantColorsResolver(input)
  const name = input.color ?? input.theme.primaryColor
  if (input.variant === 'light') {
    if (!(name in input.theme.colors)) return { ...colors, color: 'var(--mantine-color-text)' }
    const shade = (n: number) => `var(--mantine-color-${name}-${n})`
    return {
      ...colors,
      color: 'var(--mantine-color-text)',
      background: `light-dark(color-mix(in srgb, ${shade(1)} 70%, var(--mantine-color-body)), color-mix(in srgb, ${shade(8)} 26%, var(--mantine-color-body)))`,
      border: `1px solid light-dark(${shade(3)}, color-mix(in srgb, ${shade(8)} 70%, var(--mantine-color-body)))`,
    }
  }
  if (input.variant === 'subtle' && name === 'gray') return { ...colors, color: 'var(--mantine-color-text)' }
  return colors
}

// Darker dimmed and placeholder colours, for the same reason.
export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#545c65',
    '--mantine-color-placeholder': '#5f6872',
    '--mantine-color-error': '#c01c28',
    '--mantine-color-body': '#ffffff',
    '--app-canvas': '#f6f8f9',
    '--app-rail': '#eef2f3',
  },
  dark: {
    '--mantine-color-dimmed': '#a7b0bb',
    '--mantine-color-placeholder': '#98a2ae',
    '--mantine-color-error': '#ff8f8f',
    '--menu-item-hover': 'var(--mantine-color-dark-5)', // the one before it is too light below what is red
    '--app-canvas': '#151920',
    '--app-rail': '#12161c',
  },
})

export const theme = createTheme({
  colors: { sea, dark },
  primaryColor: 'sea',
  primaryShade: { light: 8, dark: 8 },
  autoContrast: true,
  respectReducedMotion: true,
  cursorType: 'pointer',
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, monospace',
  headings: { fontWeight: '650' },
  variantColorResolver,
  components: {
    Anchor: { defaultProps: { underline: 'always' } },
    Badge: { defaultProps: { tt: 'none', fw: 600 } },
    // What floats stands inside of the main landmark, and its list scrolls itself.
    Popover: { defaultProps: { portalProps: { target: '#content' } } },
    Menu: { defaultProps: { portalProps: { target: '#content' } } },
    Tooltip: { defaultProps: { portalProps: { target: '#content' } } },
    Combobox: { defaultProps: { portalProps: { target: '#content' } } },
    // Its buttons are smaller than fingers, and the arrow keys do the same.
    NumberInput: { defaultProps: { hideControls: true } },
    Autocomplete: { defaultProps: { withScrollArea: false } },
    Select: { defaultProps: { withScrollArea: false } },
    MultiSelect: { defaultProps: { withScrollArea: false } },
    TagsInput: { defaultProps: { withScrollArea: false } },
    Overlay: { defaultProps: { blur: 0 } },
  },
})
