// The numbers of the sources of an answer, by which its sentences, cards and lists name them.

/** Number each source once, in the order in which the claims cite it or it contradicts them:
 *  a Map of numbers by the sources' ids. What `numbers` has already stays as it is. */
export function numberSources(claims, numbers = new Map()) {
  for (const { citations, disputed_by: disputes } of claims) {
    for (const { source_id: id } of [...citations, ...(disputes ?? [])]) {
      if (!numbers.has(id)) numbers.set(id, numbers.size + 1);
    }
  }
  return numbers;
}
