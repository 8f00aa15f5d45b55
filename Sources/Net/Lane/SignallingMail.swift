package import Elements
import Relay
package import SIP
import Switch
import Synchronization

/// What a stream brought: made on NIO's threads, taken by the signalling lane.
package enum StreamInput: Sendable {
  /// One whole message, framed.
  case message([UInt8], Flow)
  case closed(FlowID)
  /// The certificate of that connection is vouched for and carries these names.
  case proven(FlowID, [String])
  /// Somebody who was asked for a certificate did not come to an end with TLS, and why.
  case unproven(Endpoint, String)
  case failed(SendingAttempt, String)
}

/// The mailboxes of the signalling lane: the only way to it from other threads.
package final class SignallingMail: Sendable {
  /// What the journal has said since the lane last looked; the newest word counts.
  private struct JournalWord {
    var durableThrough: UInt64?
    var failure: String?
    var wantsCheckpoint = false
  }

  struct Question: Sendable {
    let token: CommandToken
    let command: SwitchCommand
  }

  struct Answer: Sendable {
    let resolution: ResolutionID
    let hops: [NextHop]
  }

  package let waker: LaneWaker
  /// Overflow: the connections are not read until the lane has caught up.
  package let streams: Mailbox<StreamInput>
  /// Overflow: the media lane keeps its events and tries again.
  let relay: Mailbox<RelayEvent>
  /// Overflow: the asker is told.
  let commands: Mailbox<Question>
  /// Never full: the resolver takes no more questions than fit.
  let answers: Mailbox<Answer>
  private let journal = Mutex(JournalWord())

  package init(_ configuration: LaneConfiguration, waker: LaneWaker) {
    self.waker = waker
    streams = Mailbox(capacity: configuration.streams.inboundQueue, waker: waker)
    relay = Mailbox(capacity: 65_536, waker: waker)
    commands = Mailbox(capacity: configuration.commandQueue, waker: waker)
    answers = Mailbox(capacity: configuration.resolver.queue + 64, waker: waker)
  }

  func journaled(through sequence: UInt64) {
    journal.withLock { $0.durableThrough = max($0.durableThrough ?? 0, sequence) }
    waker.wake()
  }

  func journalFailed(_ reason: String) {
    journal.withLock { $0.failure = reason }
    waker.wake()
  }

  func checkpointWanted() {
    journal.withLock { $0.wantsCheckpoint = true }
    waker.wake()
  }

  /// Takes the journal's words: first what is durable, then whether it failed.
  func takeJournal() -> (durableThrough: UInt64?, failure: String?, wantsCheckpoint: Bool) {
    journal.withLock { word in
      defer { word = JournalWord() }
      return (word.durableThrough, word.failure, word.wantsCheckpoint)
    }
  }
}
