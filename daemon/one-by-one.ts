/** The same, but each call begins when the one before it is done, whether it succeeded or not. */
export function oneByOne<Args extends readonly unknown[], Result>(
  act: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  let last: Promise<unknown> = Promise.resolve();
  return (...args) => {
    const done = last.then(() => act(...args));
    last = done.catch(() => undefined);
    return done;
  };
}
