import Elements
package import SIPSyntax

/// A peering of our tag with a peer's, RFC 3261 §12.
///
///     early ──2xx──▶ confirmed ──BYE──▶ removed
///     early ──300…699, transaction over──▶ removed
package struct Dialog: Sendable {
  package enum State: Hashable, Sendable {
    case early
    case confirmed
  }

  package let id: DialogID
  /// We answered the request that made the dialog.
  package let isUAS: Bool
  package internal(set) var state: State
  package let callID: [UInt8]
  package let localTag: [UInt8]
  package let remoteTag: [UInt8]
  /// From of our requests, and To of the peer's: with our tag.
  package let localAddress: [UInt8]
  /// To of our requests: with the peer's tag.
  package let remoteAddress: [UInt8]
  /// The Contact URI of the peer.
  package internal(set) var remoteTarget: URI
  package internal(set) var routeSet: RouteSet
  /// CSeq of our last request, and of the peer's.
  package internal(set) var localSequence: UInt32
  package internal(set) var remoteSequence: UInt32?
  /// Where our requests go: over the flow that the peer is seen on.
  package internal(set) var destination: Destination
  /// Addresses that a request of the peer may come from.
  package internal(set) var flow: Flow

  let key: Fingerprint
  /// The user part of our Contact, as the user of this layer gave it.
  var contact: ContactDraft
  var pending = DialogPending()
  /// Our latest 2xx of an INVITE, until its ACK comes.
  var success: DialogSuccess?
  /// Our latest ACK, to repeat it for a repeated 2xx.
  var acknowledgement: DialogAcknowledgement?
  /// CSeq of our latest INVITE that got a 2xx in this dialog.
  var acceptedSequence: UInt32?
  /// Our BYE, which may not leave before the ACK of our 2xx (RFC 3261 §15).
  var deferredBye: Boxed<RequestDraft>?
  /// The reliable provisional response that waits for our PRACK.
  var provisional: RAckDraft?
  var provisionalOrder = ProvisionalOrder()
  /// Offer and answer have been exchanged before the 2xx, reliably (RFC 3262 §5): UPDATE is free.
  var isOfferSettled = false
  var scheduled: Instant?

  /// When the owner has to look after it.
  var deadline: Instant? { success?.machine.deadline }

  /// Whether a message on `other` may be the peer's own.
  func isPlausible(_ other: Flow) -> Bool {
    flow.isPlausible(other) || destination.remote.address == other.remote.address
  }

  /// Takes the ACK of our 2xx with that number; nil: none waits for it.
  ///
  /// - Returns: Whether it is the first one.
  mutating func acknowledge(_ sequence: UInt32, at now: Instant) -> Bool? {
    guard let isFirst = success?.machine.isWaiting, success?.sequence == sequence else {
      return nil
    }
    var ignored: [SuccessRetransmission.Effect] = []
    success?.machine.handle(.acknowledged, at: now, into: &ignored)
    success = nil
    return isFirst
  }

  /// Our BYE, as long as it has to wait for an ACK.
  var waitingBye: ClientTransactionID? { deferredBye == nil ? nil : pending.ourBye }

  /// We have accepted the call, and do not know that the peer has heard it.
  var waitsForAcknowledgement: Bool { isUAS && success?.machine.isWaiting ?? false }
}

/// Requests of a dialog that exclude others while they wait (RFC 3261 §14, RFC 3311 §5).
struct DialogPending: Sendable {
  var ourInvite: ClientTransactionID?
  var theirInvite: ServerTransactionID?
  var ourUpdate: ClientTransactionID?
  var theirUpdate: ServerTransactionID?
  /// Our BYE left: the dialog ends with its transaction.
  var ourBye: ClientTransactionID?

  /// A request of ours does not wait any more.
  mutating func release(_ id: ClientTransactionID) {
    if ourInvite == id { ourInvite = nil }
    if ourUpdate == id { ourUpdate = nil }
    if ourBye == id { ourBye = nil }
  }

  /// A request of the peer does not wait any more.
  mutating func release(_ id: ServerTransactionID) {
    if theirInvite == id { theirInvite = nil }
    if theirUpdate == id { theirUpdate = nil }
  }
}

/// A 2xx of ours that the dialog repeats.
struct DialogSuccess: Sendable {
  var machine: SuccessRetransmission
  let sequence: UInt32
  let bytes: [UInt8]
  let flow: Flow
}

/// An ACK of ours that answers each copy of its 2xx.
struct DialogAcknowledgement: Sendable {
  let sequence: UInt32
  let bytes: [UInt8]
}

/// What a PRACK has to name (RFC 3262 §7.2).
struct RAckDraft: Hashable, Sendable {
  let responseNumber: UInt32
  let requestNumber: UInt32

  var headerValue: [UInt8] { Array("\(responseNumber) \(requestNumber) INVITE".utf8) }
}
