/** Pixels of the PNG to one of the layout's, in which sizes are given. */
export const pixelScale = 2;
