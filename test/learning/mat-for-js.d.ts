declare module 'mat-for-js' {
  /** @returns arrays by name: nested by the axes, a vector flat */
  export function read(file: ArrayBuffer): { header: string; data: Record<string, unknown> };
}
