/// The contexts of one direction of a stream, by the keys that it was given one after the other.
///
/// A key that comes back (behind a refused offer, or with a stream that is taken up again) finds its own context: a
/// fresh one would protect numbers a second time, which gives the keystream away (RFC 3711 §9.1), take
/// what was heard before, and know nothing of the rollover counter.
package struct KeyRing {
  /// Keys that are remembered, with the one in use.
  ///
  /// A phone may make one for each offer of a long call. Only who goes back further than this gets a fresh context; our own
  /// keys are random and never come back so late.
  package static let size = 8

  private let direction: SRTPContext.Direction
  /// The last used last; one for each master key, whatever the suite and the MKI.
  private var contexts: [SRTPContext] = []
  /// What protects the stream now; nil: nothing, it is in the clear.
  package private(set) var current: SRTPContext?

  package init(_ direction: SRTPContext.Direction) {
    self.direction = direction
  }

  /// Takes a key into use, or none; a failure changes nothing.
  ///
  /// - Returns: Whether it is a key that takes the place of others and begins at zero.
  package mutating func turn(to key: MasterKey?) throws(SRTPError) -> Bool {
    guard let key else {
      current = nil
      return false
    }
    if key == current?.key { return false }
    let known = contexts.firstIndex { $0.key.material == key.material }
    let context: SRTPContext
    if let known, contexts[known].key == key {
      context = contexts[known]
    } else {
      // Under another suite or MKI the numbers of the same key are used up all the same.
      context = try SRTPContext(
        key, direction, resuming: known.map { contexts[$0] }, after: contexts.last)
    }
    let begins = known == nil && !contexts.isEmpty
    if let known { contexts.remove(at: known) }
    if contexts.count == Self.size { contexts.removeFirst() }
    contexts.append(context)
    current = context
    return begins
  }
}
