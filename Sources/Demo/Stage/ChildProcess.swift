import Foundation
import Glibc
import Synchronization

/// A process of the demo: this program once more, in another role.
///
/// Its input is a pipe that only we hold, so that it ends with us, however we end; its errors go to a file.
final class ChildProcess: Sendable {
  let name: String
  private let process: pid_t
  /// Nil once it was closed.
  private let input: Mutex<Int32?>
  private let output: Int32
  let errorFile: String

  /// Starts `martinet agent NAME`.
  init(_ name: String, errorsIn folder: String) throws {
    self.name = name
    errorFile = "\(folder)/\(name).log"
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let (toChild, fromChild) = (try Self.pipe(), try Self.pipe())
    defer {
      close(toChild.read)
      close(fromChild.write)
    }
    input = Mutex(toChild.write)
    output = fromChild.read
    process = try Self.spawn(
      [program, "agent", name], input: toChild.read, output: fromChild.write, errors: errorFile)
  }

  deinit {
    endInput()
    close(output)
  }

  /// Ends its input, and with that the process.
  func endInput() {
    input.withLock { input in
      if let open = input { close(open) }
      input = nil
    }
  }

  /// Both ends are closed in every child but where they are its standard input or output.
  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [0, 0]
    guard Glibc.pipe(&ends) == 0 else {
      throw AgentError("pipe: \(String(cString: strerror(errno)))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }

  /// In a process group of its own, so that Ctrl-C comes to us alone and we end the others in order.
  private static func spawn(
    _ words: [String], input: Int32, output: Int32, errors: String
  ) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_addopen(
      &actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var (none, all) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(&attributes, Int16(flags))
    var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var process = pid_t()
    let result = posix_spawn(&process, words[0], &actions, &attributes, &arguments, environ)
    guard result == 0 else {
      throw AgentError("\(words[0]) cannot be started: \(String(cString: strerror(result)))")
    }
    return process
  }

  /// Gives it an order; one that has ended takes none.
  func order(_ order: AgentOrder) throws {
    let bytes = Array(try JSONEncoder().encode(order)) + [UInt8(ascii: "\n")]
    input.withLock { input in
      guard let input else { return }
      _ = bytes.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
    }
  }

  /// Hands over each line of its output on a thread of its own, and nil at its end.
  func read(_ take: @escaping @Sendable (String?) -> Void) {
    let thread = Thread { [self] in
      var rest: [UInt8] = []
      var buffer = [UInt8](repeating: 0, count: 4096)
      while true {
        let count = Glibc.read(output, &buffer, buffer.count)
        guard count > 0 else { break }
        rest += buffer[..<count]
        while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
          take(String(decoding: rest[..<end], as: UTF8.self))
          rest.removeSubrange(...end)
        }
      }
      take(nil)
    }
    thread.start()
  }

  /// Waits for its end, and ends it by force when that takes too long.
  func waitForEnd(seconds: Double) {
    let end = ContinuousClock.now + .seconds(seconds)
    var status: Int32 = 0
    while waitpid(process, &status, WNOHANG) == 0 {
      guard ContinuousClock.now < end else {
        kill(process, SIGKILL)
        waitpid(process, &status, 0)
        return
      }
      usleep(10_000)
    }
  }

  /// The last lines of what it complained of.
  var complaints: String {
    let text = (try? String(contentsOfFile: errorFile, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(10).joined(separator: "\n")
  }
}
