import Elements
import SIPSyntax

/// A datagram as a SIP message: what is taken can be asked, answered and written anew; what is refused can be answered.
struct MessageSubject: Subject {
  static let name = "message"
  static let mostBytes = MessageLimits.messageBytes

  private let source = Endpoint(.v6Loopback, 5060)
  private let tag = Array("our-tag".utf8)

  func work(_ input: [UInt8]) -> Result<Message, MessageError> {
    Result { () throws(MessageError) in try MessageParser.parse(input, framing: .datagram) }
  }

  func check(_ outcome: Result<Message, MessageError>, of input: [UInt8]) {
    switch outcome {
    case .success(let message):
      require(message.endOffset <= input.count, "a message ends within its datagram")
      interrogate(message)
      checkAnswer(to: message)
      checkCopy(of: message)
    case .failure(.rejected(let request)):
      let answer = MessageBuilder(responseTo: request, source: source, toTag: tag).finish()
      require(isWhole(answer), "the answer to a broken request is one head")
    case .failure(.unanswerable): break
    }
  }

  /// Ends where its first empty line is, and has no CR or LF by itself: nothing of a request becomes a line of ours.
  private func isWhole(_ head: [UInt8]) -> Bool {
    guard let end = head.firstRange(of: [13, 10, 13, 10]), end.upperBound == head.count else {
      return false
    }
    for index in head.indices {
      if head[index] == 13, head[index + 1] != 10 { return false }
      if head[index] == 10, head[index - 1] != 13 { return false }
    }
    return true
  }

  private func checkAnswer(to message: Message) {
    let bytes = MessageBuilder(responseTo: message, 200, source: source, toTag: tag).finish()
    // What was at a limit may be beyond it with what we added.
    guard bytes.count <= MessageLimits.messageBytes, message.topVia.parameters.all.count < 62,
      message.to.parameters.all.count < 64
    else { return }
    let answer = require("an answer of ours is a message") {
      try MessageParser.parse(bytes, framing: .stream)
    }
    require(answer.endOffset == bytes.count, "an answer of ours is one message")
    require(answer.cseq == message.cseq, "the answer has the CSeq of its request")
    require(answer[answer.callID] == message[message.callID], "the answer has its Call-ID")
    require(answer.from.meaning == message.from.meaning, "the answer has its From")
    require(answer.to.uri == message.to.uri && answer.toTag != nil, "the answer has its To")
    require(answer.branch != nil || message.branch == nil, "the answer has its branch")
  }

  /// Writes the message field by field and reads it again.
  private func checkCopy(of message: Message) {
    var builder =
      if let uri = message.requestURI {
        MessageBuilder(request: message.method, uri: uri)
      } else {
        MessageBuilder(response: message.status ?? 500, reason: message.reasonPhrase)
      }
    for field in message.headers.fields where field.name != .contentLength {
      if let name = field.name {
        builder.add(name, message[field.value])
      } else {
        builder.add(named: message.text(field.nameRange), Array(message[field.value]))
      }
    }
    let bytes = builder.finish(body: message.bodyBytes)
    guard bytes.count <= MessageLimits.messageBytes else { return }
    if message.headers.fields.count == MessageLimits.headerFields { return }
    let copy = require("what we write of a message is one") {
      try MessageParser.parse(bytes, framing: .stream)
    }
    require(copy.endOffset == bytes.count, "what we write is one message")
    require(copy.requestURI == message.requestURI && copy.status == message.status, "same start")
    require(copy.cseq == message.cseq && copy.bodyBytes == message.bodyBytes, "same CSeq and body")
    require(copy.from.uri == message.from.uri && copy.to.uri == message.to.uri, "same parties")
    require(copy[copy.callID] == message[message.callID], "same Call-ID")
    require(copy.maxForwards == message.maxForwards, "same Max-Forwards")
    require(
      (try? copy.vias().count) == (try? message.vias().count), "as many Via before and behind")
    require(
      copy.values(.contact).count == message.values(.contact).count, "as many contacts as before")
  }

  /// Asks a message for everything; errors are answers.
  private func interrogate(_ message: Message) {
    _ = (message.topVia.host, message.topVia.received, message.topVia.maddr, message.topVia.branch)
    _ = (message.from.displayText, message.to.tag, message.fromURI.addressOfRecord)
    _ = (message.requestURI?.parameters, message.requestURI?.headers, message.reasonPhrase)
    _ = (message.requestURI?.isEquivalent(to: message.toURI), message.toURI.telephoneNumber)
    _ = (message.toURI.asRequestURI, message.expires, message.minSE, message.rseq)
    _ = (message.require.texts, message.supported.texts, message.allow.texts, message.maxBreadth)
    _ = try? (message.vias(), message.routes(), message.recordRoutes(), message.path())
    if case .contacts(let contacts) = try? message.contacts() {
      for contact in contacts { _ = (contact.expires, contact.preference, contact.instance) }
    }
    for name in [HeaderName.wwwAuthenticate, .authorization, .proxyAuthorization] {
      _ = try? (message.digestChallenges(name), message.digestCredentials(name))
    }
    _ = try? (message.sessionExpires(), message.replaces(), message.referTo(), message.rack())
    _ = try? (message.event(), message.subscriptionState(), message.privacy(), message.date())
    _ = try? (message.reasons(), message.diversions(), message.historyInfo(), message.warnings())
    _ = try? (message.retryAfter(), message.contentType(), message.accept(), message.join())
    if let parts = try? message.bodyParts() {
      for part in parts { _ = (message[part.content].count, part.type.name, part.isOptional) }
    }
    for field in message.headers.fields where field.name == nil {
      _ = message.first(named: message.text(field.nameRange))
    }
  }
}
