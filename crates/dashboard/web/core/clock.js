// The server's time. This computer's clock may be wrong by hours; ages and time left are by the clock that wrote them.

/** A difference under this many milliseconds is the way of the message, not the clock. */
const UNNOTICED = 2500;

let offset = 0;

export const clock = {
  /** Now, in the server's milliseconds since 1970. */
  now: () => Date.now() + offset,

  /** How far this computer's clock is from the server's, in milliseconds; 0 where they agree. */
  offset: () => offset,

  /** Takes the time from the header `Date` of an answer, which has whole seconds. The window hears `clock` when the difference is another. */
  heard(date) {
    const server = Date.parse(date ?? "");
    if (Number.isNaN(server)) return;
    const apart = server + 500 - Date.now();
    const known = offset;
    offset = Math.abs(apart) < UNNOTICED ? 0 : apart;
    if (Math.abs(offset - known) > UNNOTICED) dispatchEvent(new Event("clock"));
  },
};
