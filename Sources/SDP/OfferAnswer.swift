package import Elements

extension SessionDescription {
  /// Checks that this answer fits its offer: as many m= lines, of the same media (RFC 3264 §6).
  package func checkAnswer(to offer: SessionDescription) throws(SDPError) {
    guard media.count == offer.media.count else {
      throw .answerMismatch("\(media.count) m= lines for \(offer.media.count)")
    }
    for (index, (answered, offered)) in zip(media, offer.media).enumerated() {
      guard answered.kind == offered.kind else {
        throw .answerMismatch("m= line \(index + 1) is of another media")
      }
      guard answered.isRejected || !offered.isRejected else {
        throw .answerMismatch("m= line \(index + 1) was not offered")
      }
    }
  }

  /// This answer with every m= line of its offer.
  ///
  /// Some devices leave out the lines that they do not take (RFC 3264 §6 wants them with port 0): what is missing at
  /// the end is rejected.
  package func completed(for offer: SessionDescription) -> SessionDescription {
    guard media.count < offer.media.count else { return self }
    var answer = self
    answer.media += offer.media[media.count...].map(\.rejected)
    return answer
  }

  /// The same m= lines, each with this direction: for hold and for resuming.
  package mutating func setDirection(_ direction: Direction) {
    lines.removeAll { $0.direction != nil }
    for index in media.indices where !media[index].isRejected {
      media[index].setDirection(direction)
    }
  }
}

extension Direction {
  /// What an answer may say to an offer with this direction, when we wish `wish` (RFC 3264 §6.1).
  package func answer(wishing wish: Direction) -> Direction {
    Direction(sends: receives && wish.sends, receives: sends && wish.receives)
  }
}

/// Numbers the descriptions that one leg gets from us: one id, and one version up with each change.
///
/// The version stays when nothing changed (RFC 3264 §8), so that a session refresh is seen as one.
package struct OriginKeeper: Hashable, Sendable {
  private let id: UInt64
  private var version: UInt64
  /// The last description that the leg got.
  package private(set) var last: SessionDescription?

  /// - Parameter id: Any number; 62 bits of it are used, which every phone can read.
  package init(id: UInt64) {
    (self.id, version) = (id >> 2, id >> 2)
  }

  /// Rewrites `body` for the leg (see ``SessionDescription/rewrite(origin:local:)``) and numbers it.
  package mutating func rewrite(
    _ body: inout SessionDescription, address: IPAddress, local: [LocalMedia?]
  ) {
    body.rewrite(fallback: address, local: local)
    stamp(&body, address: address)
  }

  /// Numbers a description of our own making.
  package mutating func stamp(_ body: inout SessionDescription, address: IPAddress) {
    if let last, !last.isSame(as: body) { version += 1 }
    body.setOrigin(Origin(id: id, version: version, address: address))
    last = body
  }

  /// The last description was refused: `description` is in force again, and what comes next gets a
  /// number that the refused one did not have.
  package mutating func goBack(to description: SessionDescription?) {
    if last != description { version += 1 }
    last = description
  }
}

extension SessionDescription {
  /// Whether both say the same, whatever their `o=` lines say.
  fileprivate func isSame(as other: SessionDescription) -> Bool {
    media == other.media
      && lines.filter { $0.type != .o } == other.lines.filter { $0.type != .o }
  }
}
