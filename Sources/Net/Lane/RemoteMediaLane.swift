import Elements
import Relay

/// A media lane on a thread of its own: commands come by mailbox, events go back by mailbox.
final class RemoteMediaLane: LaneResident {
  private let lane: MediaLane
  private let commands: Mailbox<RelayCommand>
  private let events: Mailbox<RelayEvent>
  private var taken: [RelayCommand] = []
  /// Told by the core, and the signalling lane's mailbox had no room: in order, tried again.
  private var unsent: [RelayEvent] = []
  private var retryAt: Instant?

  private static let retryAfter = Duration.milliseconds(1)

  init(
    _ configuration: RelayConfiguration, loop: LaneLoop, commands: Mailbox<RelayCommand>,
    events: Mailbox<RelayEvent>, meter: PacketMeter
  ) throws(NetError) {
    lane = try MediaLane(configuration, loop: loop, meter: meter)
    (self.commands, self.events) = (commands, events)
    // After its lane, so that its turn finds what the lane's turn told.
    _ = loop.add(self)
  }

  var deadline: Instant? { retryAt }

  func takeMail(at now: Now) {
    commands.drain(into: &taken)
    for command in taken { lane.handle(command, at: now) }
  }

  func turn(at now: Now) {
    lane.takeEvents { unsent.append($0) }
    retryAt = nil
    guard !unsent.isEmpty else { return }
    let accepted = events.send(contentsOf: unsent)
    unsent.removeFirst(accepted)
    if !unsent.isEmpty { retryAt = now.instant + Self.retryAfter }
  }
}
