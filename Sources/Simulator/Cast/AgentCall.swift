import Elements
import Relay
import SIP

/// One call as one of its ends sees it.
struct AgentCall {
  enum State: Hashable {
    case inviting, ringing, talking, over
  }

  let isCaller: Bool
  /// The number as it stands in the Request-URI.
  let number: String
  /// The wish of a customer that it belongs to.
  var attempt: Int?
  var state = State.inviting
  var client: ClientTransactionID?
  var server: ServerTransactionID?
  var dialog: DialogID?
  /// Where this end hears.
  let mediaPort: UInt16
  /// Where the other side wants media; nil until it has said so.
  var remoteMedia: Endpoint?
  /// The session of the relay that had this address, and the process that it lived in.
  var session: (id: MediaSessionID, process: Int)?
  var latePackets = 0
  var packets: UInt16 = 0
  var isSending = false
  var lastHeard: Instant?
}

/// What a member of the cast does at a date of its own.
enum Act {
  case register
  case keepAlive
  case dial(attempt: Int)
  case ring(call: Int)
  case early(call: Int)
  case answer(call: Int)
  case refuse(call: Int, StatusCodeNumber)
  case redirect(call: Int)
  case giveUp(call: Int)
  case hangUp(call: Int)
  case reinvite(call: Int)
  case media(call: Int)
  case watch(call: Int)
  case fork(call: Int, process: Int)
  case forkAgain(call: Int, copies: Int, process: Int)
  case garble
  case die
}

typealias StatusCodeNumber = Int

/// A wish to reach somebody.
struct Attempt {
  enum Kind: Hashable {
    case inside, national, international, satellite, emergency, inbound
    /// Must be answered: asked when everything has healed.
    case proof
  }

  let kind: Kind
  let caller: Int
  let number: String
  let talk: Duration
  let patience: Duration
  var placedAt: Instant?
  /// The status of the final answer, zero when it failed without one.
  var final: UInt16?
  /// Whether any carrier was asked for it.
  var wasOffered = false
}
