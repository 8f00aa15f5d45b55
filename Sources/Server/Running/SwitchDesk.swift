package import Switch
import Synchronization

/// Puts questions to the switch from any task and hands each its answer.
package final class SwitchDesk: Sendable {
  private struct State {
    var next: UInt64 = 1
    var waiting: [CommandToken: CheckedContinuation<CommandReply, Never>] = [:]
  }

  private let state = Mutex(State())
  /// Puts a command into the signalling lane's mailbox; false when that is full.
  private let send: @Sendable (CommandToken, SwitchCommand) -> Bool

  package init(send: @escaping @Sendable (CommandToken, SwitchCommand) -> Bool) {
    self.send = send
  }

  /// Asks and waits; a lane that is too busy to take the question gives a refusal.
  package func ask(_ command: SwitchCommand) async -> CommandReply {
    await withCheckedContinuation { continuation in
      let token = state.withLock { state in
        let token = CommandToken(state.next)
        state.next += 1
        state.waiting[token] = continuation
        return token
      }
      if !send(token, command) {
        answer(token, with: .refused("The server is too busy to answer. Ask again in a moment."))
      }
    }
  }

  /// Asks until the switch has taken it, or the task is cancelled: for orders that must not be lost to a full mailbox,
  /// and that the switch itself never refuses.
  package func insist(_ command: SwitchCommand, pause: Duration = .milliseconds(100)) async {
    while case .refused = await ask(command) {
      do { try await Task.sleep(for: pause) } catch { return }
    }
  }

  /// Has the switch do something whose reply nobody waits for; false when it is too busy.
  package func tell(_ command: SwitchCommand) -> Bool { send(CommandToken(0), command) }

  /// Gives a reply to whoever asked for it.
  package func answer(_ token: CommandToken, with reply: CommandReply) {
    state.withLock { $0.waiting.removeValue(forKey: token) }?.resume(returning: reply)
  }
}
