import Foundation

@testable import Cleaning

// One program for all targets: libFuzzer brings `main` and calls this for each input. `FUZZ_TARGET` says which parser is tried.
//
// A target checks what must hold for any bytes. What it finds ends the process with a message; libFuzzer then keeps the input.

@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    target(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}

private let targets: [String: @Sendable ([UInt8]) -> Void] = [
    "table": fuzzTable, "json": fuzzDocument, "html": fuzzPage, "zip": fuzzArchive, "contract": fuzzContract, "canonical": fuzzCanonical,
]

private let target: @Sendable ([UInt8]) -> Void = {
    let name = ProcessInfo.processInfo.environment["FUZZ_TARGET"] ?? ""
    guard let found = targets[name] else {
        print("FUZZ_TARGET must be one of \(targets.keys.sorted().joined(separator: ", "))")
        exit(64)
    }
    return found
}()

/// Ends the process with a message when something that must hold does not.
func check(_ holds: Bool, _ message: @autoclosure () -> String, line: Int = #line, file: StaticString = #fileID) {
    guard !holds else { return }
    FileHandle.standardError.write(Data("\(file):\(line): broken property: \(message())\n".utf8))
    abort()
}

/// Runs a step that may refuse its input. Any other error than the expected kind is a find.
func attempt<Value, Failure: Error>(_ expected: Failure.Type, _ step: () throws -> Value) -> Result<Value, Failure> {
    do {
        return .success(try step())
    } catch let error as Failure {
        return .failure(error)
    } catch {
        check(false, "an error of another kind: \(error)")
        abort()
    }
}

extension Result {
    var value: Success? { if case .success(let value) = self { value } else { nil } }
    var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}

/// Chance that is a function of the input, so that every find can be repeated from its bytes alone.
struct InputChance: RandomNumberGenerator {
    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    init(_ input: [UInt8]) {
        for byte in input { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// The bytes in pieces: one by one, cut once, or of random lengths.
    mutating func pieces(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let longest =
            switch next() % 4 {
            case 0 where bytes.count <= 512: 1
            case 1: max(1, bytes.count)
            default: max(8, bytes.count / 8)
            }
        var pieces: [ArraySlice<UInt8>] = []
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, at + Int.random(in: 1...longest, using: &self))
            pieces.append(bytes[at..<end])
            at = end
        }
        return pieces
    }
}

/// The byte 0x1A repeats what stands before it, so that few bytes of input reach the limits of a megabyte.
///
/// The byte behind it says how: the high half how many bytes (1 to 16), the low half how often (2 to 65,536 times).
func expanded(_ input: ArraySlice<UInt8>, limit: Int = 1_400_000) -> [UInt8] {
    var out: [UInt8] = []
    var at = input.startIndex
    while at < input.endIndex {
        let byte = input[at]
        at += 1
        guard byte == 0x1A, at < input.endIndex else {
            out.append(byte)
            continue
        }
        let unit = Array(out.suffix(Int(input[at] >> 4) + 1))
        let times = (2 << Int(input[at] & 15)) - 1
        at += 1
        guard !unit.isEmpty, out.count + unit.count * times <= limit else { continue }
        for _ in 0..<times { out += unit }
    }
    return out
}

/// The contracts that ship and those made for fuzzing, by stream.
enum Subjects {
    static let all: [Contract] = {
        let own = URL(filePath: #filePath).deletingLastPathComponent()
        let checkout = own.deletingLastPathComponent().deletingLastPathComponent()
        var found: [Contract] = []
        for folder in [checkout.appending(path: "zones"), own.appending(path: "Zones")] {
            let list = FileManager.default.enumerator(atPath: folder.path())?.compactMap { $0 as? String } ?? []
            for path in list.sorted() where path.hasSuffix(".yml") && !path.hasSuffix("service.yml") && !path.hasSuffix("secrets.yml") {
                switch attempt(
                    ContractError.self, { try Contract.parse(Array(Data(contentsOf: folder.appending(path: path))), path: path) })
                {
                case .success(let contract): found.append(contract)
                case .failure(let error):
                    print("\(error)")
                    exit(64)
                }
            }
        }
        check(!found.isEmpty, "no contract below \(checkout.path())")
        return found.sorted { $0.stream < $1.stream }
    }()

    /// The first line of an input names the contract; a line that names none chooses by its bytes. The rest is the file.
    static func choose(_ input: [UInt8], where fits: (Contract) -> Bool = { _ in true }) -> (Contract, ArraySlice<UInt8>)? {
        let end = input.firstIndex(of: 10) ?? input.count
        let name = String(decoding: input[..<end], as: UTF8.self)
        let list = all.filter(fits)
        var chance = InputChance(Array(input[..<end]))
        guard let contract = list.first(where: { $0.stream == name }) ?? list.randomElement(using: &chance) else { return nil }
        return (contract, input.dropFirst(end + 1))
    }

    /// Facts as a capture might have them; what is known varies with the input.
    static func facts(_ contract: Contract, _ chance: inout InputChance) -> CaptureFacts {
        var fields: [String: String] = [:]
        for hole in contract.names.flatMap(\.fields) {
            switch hole {
            case "first_day": fields[hole] = "2024-12-30"
            case "epoch": fields[hole] = "1735905600"
            case "captured_at": fields[hole] = "20250103_120000"
            default: fields[hole] = "x"
            }
        }
        let known = chance.next()
        return CaptureFacts(
            fileName: "x", account: "someone", fields: known & 1 == 0 ? fields : [:], observedDay: known & 2 == 0 ? 20_091 : nil,
            observedBasis: known & 4 == 0 ? "header" : "now", downloadedOn: known & 8 == 0 ? 20_091 : nil,
            firstDay: known & 16 == 0 ? 20_087 : nil)
    }
}
