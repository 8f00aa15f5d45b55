/// What became of entries that came together.
package struct Hearing: Hashable, Sendable {
  /// Of those that continue the list, in their order.
  package internal(set) var verdicts: [EntryVerdict] = []
  /// Why the next one does not, and nothing behind it was looked at; nil where all do.
  package internal(set) var refusal: EntryRefusal?
  /// The networks whose standing all of them together have changed.
  package internal(set) var changes: [ListChange] = []
}
