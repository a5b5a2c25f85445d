export const workbench = {
  pages: {
    check: 'Check',
  },
} as const
