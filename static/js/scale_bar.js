// The length and the words of a true scale bar.

// 1, 2 or 5 times a power of ten, at most `length`.
export const roundDown = (length) => {
  const power = 10 ** Math.floor(Math.log10(length));
  return [5, 2, 1].find((step) => step * power <= length) * power;
};

export const inWords = (um) => (um >= 1000 ? `${um / 1000} mm` : `${um} µm`);
