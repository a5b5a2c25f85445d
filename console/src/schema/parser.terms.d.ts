export const CelText: number
