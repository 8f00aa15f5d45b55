import Elements
import SIP

/// One call of a user agent.
struct AgentCall {
  let number: Int
  /// Whom it is with: the number called, or the caller's.
  let peer: String
  let isIncoming: Bool
  let media: MediaPort
  /// Our INVITE, while it has no final answer.
  var invite: ClientTransactionID?
  /// What was sent, to send it again with credentials.
  var draft: RequestDraft?
  var isAuthenticated = false
  var dialog: DialogID?
  var answeredAt: Instant?
  var isOver = false

  init(number: Int, peer: String, isIncoming: Bool, media: MediaPort) {
    (self.number, self.peer, self.isIncoming) = (number, peer, isIncoming)
    self.media = media
  }
}
