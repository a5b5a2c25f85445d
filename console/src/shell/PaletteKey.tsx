import { useHotkeys } from '@mantine/hooks'

/** PaletteKey opens the palette with Ctrl+K, or Cmd+K, also where people type. */
export function PaletteKey({ onOpen }: { onOpen: () => void }) {
  useHotkeys([['mod+K', onOpen]], [], true)
  return null
}
