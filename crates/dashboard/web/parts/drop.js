// Places that light up while something is dragged over them.

/** Has a place take what is dropped on it: `dropped(event)` is told, and the class `over` is there while something hovers. */
export function droppable(place, dropped) {
  // Each element below tells of its own that it is entered and left.
  let depth = 0;
  const mark = (by) => {
    depth = Math.max(0, depth + by);
    place.classList.toggle("over", depth > 0);
  };
  place.addEventListener("dragenter", () => mark(1));
  place.addEventListener("dragleave", () => mark(-1));
  place.addEventListener("dragover", (event) => event.preventDefault());
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(-depth);
    dropped(event);
  });
  return place;
}
