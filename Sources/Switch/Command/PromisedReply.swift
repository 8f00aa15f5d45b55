import Elements

/// The answer to an order, given when what it has changed is on disk: what is said to be done survives a crash.
struct PromisedReply: Sendable {
  let batch: UInt64
  let token: CommandToken
}

extension SwitchCommand {
  /// Whether a person relies on it after a crash, too.
  ///
  /// A directory is kept elsewhere, and a payment has its own receipt.
  var mustLast: Bool {
    switch self {
    case .block, .unblock, .acceptClock, .bans(.add), .bans(.lift): true
    case .adopt, .drain, .undrain, .hangUpAll, .hangUp, .deposit, .calls, .registrations,
      .attendance, .trunks,
      .limits, .habits, .status, .bans(.list), .bans(.explain), .bans(.barred), .bans(.hear):
      false
    }
  }
}

extension SwitchCore {
  private static var notOnDisk: CommandReply {
    .refused(
      """
      It is in force, but the journal cannot be written: a restart would forget it. Look at the disk, and say it \
      again when `martinet status` shows no failure.
      """)
  }

  /// Answers an order whose entries are in the batch of this event.
  mutating func promise(_ token: CommandToken) {
    // Nothing to write: what others list is kept elsewhere, and a door may be open for the kernel only.
    guard journal.hasPending else { return reply(.done, to: token) }
    guard journal.failure == nil else { return reply(Self.notOnDisk, to: token) }
    promised.append(PromisedReply(batch: journal.nextSequence, token: token))
  }

  /// The journal is durable up to there.
  mutating func keepPromises() {
    guard let first = promised.first, first.batch <= journal.durableThrough else { return }
    let kept = promised.prefix { $0.batch <= journal.durableThrough }
    for promise in kept { reply(.done, to: promise.token) }
    promised.removeFirst(kept.count)
  }

  /// The disk refuses: whoever waits is told.
  mutating func breakPromises() {
    for promise in promised { reply(Self.notOnDisk, to: promise.token) }
    promised.removeAll()
  }

  mutating func reply(_ reply: CommandReply, to token: CommandToken) {
    output.publications.append(.reply(token, reply))
  }
}
