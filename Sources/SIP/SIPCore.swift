package import Elements
package import SIPSyntax

/// Transactions and dialogs of all flows of one lane: bytes in, events and bytes out (RFC 3261 §8-18).
///
/// The owner gives each datagram and each message of a stream to ``receive(_:on:at:events:effects:)``,
/// calls ``handleDeadline(at:events:effects:)`` when ``deadline`` has come, and sends the
/// effects. What a peer does wrong is answered here; what needs a decision is an event.
package struct SIPCore: Sendable {
  package let configuration: SIPConfiguration
  var dice: Dice
  let names: FingerprintKey
  let methods: MethodSet
  var clients = TransactionTable<ClientTransactionSubject, ClientTransaction>()
  var servers = TransactionTable<ServerTransactionSubject, ServerTransaction>()
  var dialogs = TransactionTable<DialogSubject, Dialog>()
  var deadlines = DeadlineQueue<TimerKey>()
  var streamless = StreamlessPeers()

  /// Whose deadline it is.
  enum TimerKey: Hashable, Sendable {
    case client(ClientTransactionID)
    case server(ServerTransactionID)
    case dialog(DialogID)
  }

  package init(configuration: SIPConfiguration = SIPConfiguration(), dice: Dice) {
    var dice = dice
    names = FingerprintKey(dice: &dice)
    methods = MethodSet(configuration.methods)
    (self.configuration, self.dice) = (configuration, dice)
  }

  /// When the owner has to call ``handleDeadline(at:events:effects:)``; nil: nothing is waiting.
  package var deadline: Instant? { deadlines.next }

  /// How much is going on; all zero at rest.
  package var load: SIPLoad {
    SIPLoad(
      clientTransactions: clients.count, serverTransactions: servers.count, dialogs: dialogs.count)
  }

  /// No transaction, no dialog and none of their names is left.
  package var isAtRest: Bool { clients.isEmpty && servers.isEmpty && dialogs.isEmpty }
}

/// How many things a core looks after.
package struct SIPLoad: Hashable, Sendable {
  package let clientTransactions: Int
  package let serverTransactions: Int
  package let dialogs: Int
}

// MARK: - What the user may look up

extension SIPCore {
  package func dialog(_ id: DialogID) -> Dialog? { dialogs[id] }

  /// All dialogs, in the order in which they were made.
  package var dialogIDs: [DialogID] { dialogs.ids }

  /// The dialog that a request is in, or that our responses to it have made.
  package func dialog(of id: ServerTransactionID) -> DialogID? { servers[id]?.dialog }

  /// The request of a transaction that waits for its final response.
  package func request(of id: ServerTransactionID) -> Message? { servers[id]?.request }

  /// The flow on which the request came, and our responses go.
  package func flow(of id: ServerTransactionID) -> Flow? { servers[id]?.flow }

  /// Whether the request still waits for its final response.
  package func isPending(_ id: ServerTransactionID) -> Bool { servers[id]?.isPending ?? false }

  /// Whether our request still waits for its final response.
  package func isPending(_ id: ClientTransactionID) -> Bool { clients[id]?.isPending ?? false }

  /// Whether our INVITE has had a provisional response, 100 included, and waits for its final one.
  package func isProceeding(_ id: ClientTransactionID) -> Bool {
    clients[id]?.isProceeding ?? false
  }

  /// The dialog that Replaces (RFC 3891 §3), Join or Target-Dialog names.
  package func dialog(named name: Replaces) -> DialogID? {
    dialog(callID: name.callID, localTag: name.toTag, remoteTag: name.fromTag)
  }

  /// The dialog with these tags.
  package func dialog(callID: [UInt8], localTag: [UInt8], remoteTag: [UInt8]) -> DialogID? {
    dialogs.find(
      names.dialog(callID: callID.span, localTag: localTag.span, remoteTag: remoteTag.span))
  }

  /// Whether a re-INVITE may be sent now: none waits on either side (RFC 3261 §14.1).
  package func mayInvite(in id: DialogID) -> Bool {
    guard let dialog = dialogs[id] else { return false }
    return dialog.pending.ourInvite == nil && dialog.pending.theirInvite == nil
      && dialog.success == nil
  }

  /// Whether the offer of the INVITE that made an early dialog has been answered reliably, so that
  /// another one may be made by UPDATE (RFC 3311 §5.1).
  package func isOfferSettled(in id: DialogID) -> Bool { dialogs[id]?.isOfferSettled ?? false }

  /// How long to wait after a 491 before trying again (RFC 3261 §14.1).
  package mutating func glareDelay(in id: DialogID) -> Duration {
    // The owner of the Call-ID waits 2.1 to 4 s, the other side up to 2 s, in steps of 10 ms.
    let isOwner = dialogs[id].map { !$0.isUAS } ?? false
    return .milliseconds(10 * Int64.random(in: isOwner ? 210...400 : 0...200, using: &dice))
  }
}

// MARK: - Names and numbers

extension SIPCore {
  /// A branch of ours: cookie, lane, 64 random bits (RFC 3261 §8.1.1.7).
  mutating func makeBranch() -> [UInt8] {
    let (cookie, lane, number) = (Via.magicCookie, UInt64(configuration.lane), dice.next())
    return [UInt8](room: cookie.count + 18) { branch in
      branch.append(copying: cookie.span)
      branch.append(hexadecimal: lane, digits: 2)
      branch.append(hexadecimal: number, digits: 16)
    }
  }

  /// A tag of ours: lane, 64 random bits (RFC 3261 §19.3 asks for 32).
  mutating func makeTag() -> [UInt8] {
    // Not drawn in the argument: what is called on would be copied before, all of the core, and the dice with it.
    let number = dice.next()
    return tag(of: number)
  }

  private func tag(of number: UInt64) -> [UInt8] {
    [UInt8](copying: TagText(lane: configuration.lane, number).letters.span)
  }

  /// A Call-ID of 128 random bits that names neither host nor address (RFC 3261 §8.1.1.4).
  package mutating func makeCallID() -> [UInt8] {
    [UInt8](room: 32) { callID in
      callID.append(hexadecimal: dice.next(), digits: 16)
      callID.append(hexadecimal: dice.next(), digits: 16)
    }
  }

  /// The tag of an answer that leaves no state: the same for each copy of a request (§8.2.7).
  func statelessTag(of key: Fingerprint) -> [UInt8] { tag(of: key.high) }
}

/// The letters of a tag of ours, without an allocation: lane and number in hexadecimal digits.
struct TagText {
  private(set) var letters = InlineArray<18, UInt8>(repeating: 0)

  init(lane: UInt8, _ number: UInt64) {
    // Of the lane's eight letters the last two.
    put(hexadecimalLetters(of: UInt32(lane)) >> 48, 2, at: 0)
    put(hexadecimalLetters(of: UInt32(number >> 32)), 8, at: 2)
    put(hexadecimalLetters(of: UInt32(truncatingIfNeeded: number)), 8, at: 10)
  }

  private mutating func put(_ word: UInt64, _ count: Int, at place: Int) {
    for index in 0..<count {
      letters[place + index] = UInt8(truncatingIfNeeded: word >> UInt64(8 * index))
    }
  }
}

extension [UInt8] {
  /// Appends the lowest digits of a number, sixteen at most.
  mutating func append(hexadecimal number: UInt64, digits: Int) {
    append(addingCapacity: digits) { $0.append(hexadecimal: number, digits: digits) }
  }
}

extension OutputSpan<UInt8> {
  /// Appends the lowest digits of a number, sixteen at most; there is room for them.
  fileprivate mutating func append(hexadecimal number: UInt64, digits: Int) {
    let shifted = number << UInt64(64 - 4 * digits)
    var letters = hexadecimalLetters(of: UInt32(shifted >> 32))
    for place in 0..<digits {
      if place == 8 { letters = hexadecimalLetters(of: UInt32(truncatingIfNeeded: shifted)) }
      append(UInt8(truncatingIfNeeded: letters))
      letters >>= 8
    }
  }
}
