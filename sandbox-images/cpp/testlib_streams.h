// The part of testlib.h that reads, and that ends the program. See there.

#ifndef PROOFBOX_TESTLIB_STREAMS_H
#define PROOFBOX_TESTLIB_STREAMS_H

static TTestlibMode testlibMode = _unknown;
static std::string testlib_name = "unnamed";
static std::string testlib_report;
static int testlib_test_case = -1;

inline void setName(const char* form, ...) {
    TESTLIB_FORMATTED(form, text)
    testlib_name = text;
}
inline void setTestCase(int number) { testlib_test_case = number; }
inline void unsetTestCase() { testlib_test_case = -1; }

[[noreturn]] void quit(TResult result, const std::string& message);
[[noreturn]] void quit(TResult result, const char* message);

// A text that is read a character at a time, so that one that is still being written is never read
// further than is needed.
class InStream {
    FILE* file = nullptr;
    std::string back;
    bool owns = false;

    int get() {
        if (!back.empty()) {
            const int c = (unsigned char)back.back();
            back.pop_back();
            return c;
        }
        if (!file) return EOF;
#ifdef __GLIBC__
        // Whoever is waited for must have been told all that was said.
        if (file == stdin && file->_IO_read_ptr == file->_IO_read_end) {
            std::cout.flush();
            std::fflush(stdout);
        }
#endif
        return getc(file);
    }
    void unget(int c) {
        if (c != EOF) back.push_back(char(c));
    }

public:
    std::string name;
    TMode mode = _input;
    bool strict = false;
    bool opened = false;

    InStream() {}
    InStream(const InStream&) = delete;
    InStream& operator=(const InStream&) = delete;
    // Another stream's settings over a text of one's own.
    InStream(const InStream& base, std::string content) : name(base.name), mode(base.mode), strict(base.strict) {
        std::reverse(content.begin(), content.end());
        back = content;
        opened = true;
    }
    ~InStream() { close(); }

    void init(const std::string& path, TMode as) {
        close();
        file = std::fopen(path.c_str(), "rb");
        owns = true;
        opened = file != nullptr;
        name = path;
        mode = as;
        if (!opened && as == _output) ::quit(_pe, "the output file is not there");
        if (!opened) ::quit(_fail, "cannot open " + path);
    }
    void init(FILE* from, TMode as) {
        close();
        file = from;
        owns = false;
        opened = true;
        mode = as;
        name = as == _output ? "ouf" : as == _answer ? "ans" : "inf";
    }
    void close() {
        if (owns && file) std::fclose(file);
        file = nullptr;
        owns = false;
        opened = false;
    }
    void reset() {
        if (file) std::rewind(file);
        back.clear();
    }

    // ---- Ending -----------------------------------------------------------------------------

    // Only the output can be wrong; what is wrong elsewhere is a failure of the test.
    [[noreturn]] void quit(TResult result, const std::string& message) {
        const bool is_foreign = mode != _output && result != _fail && testlibMode != _validator;
        if (!is_foreign) ::quit(result, message);
        const char* what = mode == _answer ? "answer" : "input";
        ::quit(_fail, std::string(what) + ": " + message);
    }
    [[noreturn]] void quits(TResult result, const std::string& message) { quit(result, message); }
    [[noreturn]] void quitf(TResult result, const char* form, ...) {
        TESTLIB_FORMATTED(form, text)
        quit(result, text);
    }
    void quitif(bool condition, TResult result, const char* form, ...) {
        if (!condition) return;
        TESTLIB_FORMATTED(form, text)
        quit(result, text);
    }
    [[noreturn]] void unexpected(const std::string& expected, const std::string& found) {
        quit(_pe, "Expected " + expected + ", but \"" + compress(found) + "\" found");
    }
    [[noreturn]] void ended(const std::string& expected) {
        quit(_pe, "Unexpected end of file - " + expected + " expected");
    }

    // ---- Characters -------------------------------------------------------------------------

    int curChar() {
        const int c = get();
        unget(c);
        return c == EOF ? EOFC : c;
    }
    int nextChar() {
        const int c = get();
        return c == EOF ? EOFC : c;
    }
    void skipChar() { get(); }
    void unreadChar(int c) { unget(c); }
    char readChar() {
        const int c = get();
        if (c == EOF) ended("a character");
        return char(c);
    }
    char readChar(char expected) {
        const char c = readChar();
        if (c != expected) unexpected(std::string("'") + expected + "'", std::string(1, c));
        return c;
    }
    char readSpace() { return readChar(' '); }
    void skipBlanks() {
        int c = get();
        while (c != EOF && isBlanks(c)) c = get();
        unget(c);
    }
    bool eof() {
        const int c = get();
        unget(c);
        return c == EOF;
    }
    bool eoln() {
        const int c = get();
        if (c == CR) {
            const int after = get();
            unget(after);
            unget(c);
            return after == LF || !strict;
        }
        unget(c);
        return c == EOF ? !strict : c == LF;
    }
    bool seekEof() {
        skipBlanks();
        return eof();
    }
    bool seekEoln() {
        int c = get();
        while (c == SPACE || c == TAB) c = get();
        unget(c);
        return eoln();
    }
    void readEoln() {
        if (!eoln()) quit(_pe, "Expected end of line");
        if (get() == CR) {
            const int c = get();
            if (c != LF) unget(c);
        }
    }
    void readEof() {
        if (!(strict ? eof() : seekEof())) quit(_pe, "Expected end of file");
    }
    void nextLine() { readLine(); }

    // ---- Words and lines --------------------------------------------------------------------

    // So that a solution that writes without end is wrong, rather than the interactor out of memory.
    static const size_t longest = size_t(1) << 27;

    std::string readToken() {
        if (!strict) skipBlanks();
        std::string word;
        int c = get();
        while (c != EOF && !isBlanks(c)) {
            if (word.size() == longest) quit(_pe, "a token without end");
            word += char(c);
            c = get();
        }
        unget(c);
        if (word.empty()) {
            if (c == EOF) ended("token");
            quit(_pe, "Unexpected white-space - token expected");
        }
        return word;
    }
    std::string readToken(const pattern& form, const std::string& variable = "") {
        const std::string word = readToken();
        if (!form.matches(word)) mismatch("token", word, form, variable);
        return word;
    }
    std::string readToken(const std::string& form, const std::string& variable = "") {
        return readToken(pattern(form), variable);
    }
    void readTokenTo(std::string& word) { word = readToken(); }
    std::string readWord() { return readToken(); }
    std::string readWord(const pattern& form, const std::string& variable = "") { return readToken(form, variable); }
    std::string readWord(const std::string& form, const std::string& variable = "") { return readToken(form, variable); }
    void readWordTo(std::string& word) { word = readToken(); }

    std::string readLine() {
        std::string line;
        readStringTo(line);
        return line;
    }
    std::string readLine(const pattern& form, const std::string& variable = "") {
        const std::string line = readLine();
        if (!form.matches(line)) mismatch("line", line, form, variable);
        return line;
    }
    std::string readLine(const std::string& form, const std::string& variable = "") {
        return readLine(pattern(form), variable);
    }
    std::string readString() { return readLine(); }
    std::string readString(const pattern& form, const std::string& variable = "") { return readLine(form, variable); }
    std::string readString(const std::string& form, const std::string& variable = "") { return readLine(form, variable); }
    void readLineTo(std::string& line) { readStringTo(line); }
    void readStringTo(std::string& line) {
        line.clear();
        if (eof()) ended("line");
        for (;;) {
            const int c = get();
            if (c == EOF || c == LF) break;
            if (c == CR) {
                const int after = get();
                if (after == LF) break;
                unget(after);
            }
            if (line.size() == longest) quit(_pe, "a line without end");
            line += char(c);
        }
    }

    // ---- Numbers ----------------------------------------------------------------------------

    long long readLong() {
        return toSigned(readToken(), LLONG_MIN, LLONG_MAX, "int64");
    }
    long long readLong(long long least, long long most, const std::string& variable = "") {
        return ranged(readLong(), least, most, variable);
    }
    unsigned long long readUnsignedLong() {
        const std::string word = readToken();
        bool plain = isDigits(word, 0);
        unsigned long long value = 0;
        for (size_t i = 0; plain && i < word.size(); i++) {
            plain = !__builtin_mul_overflow(value, 10ULL, &value) &&
                    !__builtin_add_overflow(value, (unsigned long long)(word[i] - '0'), &value);
        }
        if (!plain) unexpected("unsigned int64", word);
        return value;
    }
    unsigned long long readUnsignedLong(unsigned long long least, unsigned long long most, const std::string& variable = "") {
        return ranged(readUnsignedLong(), least, most, variable);
    }
    int readInt() { return int(toSigned(readToken(), INT_MIN, INT_MAX, "int32")); }
    int readInt(int least, int most, const std::string& variable = "") {
        return ranged(readInt(), least, most, variable);
    }
    int readInteger() { return readInt(); }
    int readInteger(int least, int most, const std::string& variable = "") { return readInt(least, most, variable); }

    double readDouble() {
        const std::string word = readToken();
        char* end = nullptr;
        const double value = std::strtod(word.c_str(), &end);
        const bool plain = word.find_first_not_of("0123456789+-.eE") == std::string::npos;
        if (!plain || end != word.c_str() + word.size() || std::isinf(value)) unexpected("double", word);
        return value;
    }
    double readDouble(double least, double most, const std::string& variable = "") {
        const double value = readDouble();
        if (!(least <= value && value <= most)) violates(vtos(value), vtos(least), vtos(most), variable);
        return value;
    }
    double readReal() { return readDouble(); }
    double readReal(double least, double most, const std::string& variable = "") { return readDouble(least, most, variable); }
    // So many digits behind the point, at least and at most.
    double readStrictDouble(double least, double most, int fewest, int mostDigits, const std::string& variable = "") {
        const std::string word = readToken();
        const size_t start = word[0] == '-' ? 1 : 0, point = word.find('.');
        const size_t behind = point == std::string::npos ? 0 : word.size() - point - 1;
        const std::string whole = word.substr(start, point == std::string::npos ? point : point - start);
        const bool plain = isDigits(whole, 0) && (point == std::string::npos || isDigits(word.substr(point + 1), 0, true));
        if (!plain || long(behind) < fewest || long(behind) > mostDigits) unexpected("strict double", word);
        const double value = std::strtod(word.c_str(), nullptr);
        if (!(least <= value && value <= most)) violates(vtos(value), vtos(least), vtos(most), variable);
        return value;
    }
    double readStrictReal(double least, double most, int fewest, int mostDigits, const std::string& variable = "") {
        return readStrictDouble(least, most, fewest, mostDigits, variable);
    }

    // ---- Several at once --------------------------------------------------------------------

#define TESTLIB_SEVERAL(many, one, type)                                                                \
    std::vector<type> many(int size, type least, type most, const std::string& variable = "", int = 1) { \
        std::vector<type> items;                                                                        \
        for (int i = 0; i < size; i++) {                                                                \
            if (strict && i > 0) readSpace();                                                           \
            items.push_back(one(least, most, variable));                                                \
        }                                                                                               \
        return items;                                                                                   \
    }                                                                                                   \
    std::vector<type> many(int size) {                                                                  \
        std::vector<type> items;                                                                        \
        for (int i = 0; i < size; i++) {                                                                \
            if (strict && i > 0) readSpace();                                                           \
            items.push_back(one());                                                                     \
        }                                                                                               \
        return items;                                                                                   \
    }
    TESTLIB_SEVERAL(readInts, readInt, int)
    TESTLIB_SEVERAL(readIntegers, readInt, int)
    TESTLIB_SEVERAL(readLongs, readLong, long long)
    TESTLIB_SEVERAL(readUnsignedLongs, readUnsignedLong, unsigned long long)
    TESTLIB_SEVERAL(readDoubles, readDouble, double)
    TESTLIB_SEVERAL(readReals, readDouble, double)
#undef TESTLIB_SEVERAL
    std::vector<std::string> readTokens(int size, const std::string& form = "", const std::string& variable = "", int = 1) {
        std::vector<std::string> items;
        for (int i = 0; i < size; i++) {
            if (strict && i > 0) readSpace();
            items.push_back(form.empty() ? readToken() : readToken(form, variable));
        }
        return items;
    }
    std::vector<std::string> readWords(int size, const std::string& form = "", const std::string& variable = "", int = 1) {
        return readTokens(size, form, variable);
    }
    std::vector<std::string> readLines(int size, const std::string& form = "", const std::string& variable = "", int = 1) {
        std::vector<std::string> items;
        for (int i = 0; i < size; i++) items.push_back(form.empty() ? readLine() : readLine(form, variable));
        return items;
    }

private:
    static bool isDigits(const std::string& text, size_t from, bool zeros_lead = false) {
        if (from >= text.size()) return false;
        if (!zeros_lead && text[from] == '0' && text.size() > from + 1) return false;
        return text.find_first_not_of("0123456789", from) == std::string::npos;
    }
    long long toSigned(const std::string& word, long long least, long long most, const char* kind) {
        const bool negative = word[0] == '-';
        bool plain = isDigits(word, negative ? 1 : 0) && word != "-0";
        long long value = 0;
        for (size_t i = negative ? 1 : 0; plain && i < word.size(); i++) {
            const long long digit = negative ? '0' - word[i] : word[i] - '0';
            plain = !__builtin_mul_overflow(value, 10LL, &value) && !__builtin_add_overflow(value, digit, &value);
        }
        if (!plain || value < least || value > most) unexpected(kind, word);
        return value;
    }
    template <typename T> T ranged(T value, T least, T most, const std::string& variable) {
        if (value < least || value > most) violates(vtos(value), vtos(least), vtos(most), variable);
        return value;
    }
    [[noreturn]] void violates(const std::string& value, const std::string& least, const std::string& most, const std::string& variable) {
        const std::string what = variable.empty() ? "Integer" : "Integer parameter [name=" + variable + "]";
        quit(_wa, what + " " + value + " violates the range [" + least + ", " + most + "]");
    }
    [[noreturn]] void mismatch(const char* kind, const std::string& text, const pattern& form, const std::string& variable) {
        const std::string what = variable.empty() ? kind : std::string(kind) + " [name=" + variable + "]";
        quit(_wa, what + " \"" + compress(text) + "\" doesn't correspond to pattern \"" + form.src() + "\"");
    }
};

static InStream inf, ouf, ans;
static std::ofstream tout;

// ---- Ending -------------------------------------------------------------------------------------

inline const char* testlib_prefix(TResult result) {
    switch (result) {
    case _ok: return "ok ";
    case _wa: return "wrong answer ";
    case _pe: case _unexpected_eof: return "wrong output format ";
    case _dirt: return "wrong output format ";
    case _points: return "points ";
    case _fail: return "FAIL ";
    default: return "partially correct ";
    }
}
// The end of `main` is no word: a program that forgets `quit` must not be taken for one that found nothing wrong.
struct TestlibEnd {
    bool is_said = false;
    ~TestlibEnd() {
        if (is_said || (testlibMode != _checker && testlibMode != _interactor)) return;
        std::fputs("FAIL the program ended without quit or quitf\n", stderr);
        std::_Exit(_fail);
    }
};
static TestlibEnd testlib_end;

[[noreturn]] inline void testlib_leave(TResult result, const std::string& text) {
    testlib_end.is_said = true;
    std::cout.flush();
    std::fflush(stdout);
    if (tout.is_open()) tout.close();
    const std::string numbered =
        testlib_test_case < 0 ? text : text + " (test case " + vtos(testlib_test_case) + ")";
    std::fprintf(stderr, "%s%s\n", testlib_prefix(result), numbered.c_str());
    if (!testlib_report.empty()) {
        std::ofstream report(testlib_report.c_str());
        report << testlib_prefix(result) << numbered << std::endl;
    }
    const int code = result >= _partially || result == _points ? 7
                     : result == _unexpected_eof               ? 2
                                                               : int(result);
    std::exit(code);
}
[[noreturn]] inline void quit(TResult result, const std::string& message) {
    if (testlibMode == _checker && result == _ok && ouf.opened && !ouf.seekEof()) {
        testlib_leave(_dirt, "Extra information in the output file");
    }
    if (result >= _partially) {
        const double points = (int(result) - int(_partially)) / 200.0;
        testlib_leave(_points, vtos(points) + " " + message);
    }
    testlib_leave(result, message);
}
[[noreturn]] inline void quit(TResult result, const char* message) { quit(result, std::string(message)); }
[[noreturn]] inline void quit(TResult result) { quit(result, std::string()); }
[[noreturn]] inline void quitf(TResult result, const char* form, ...) {
    TESTLIB_FORMATTED(form, text)
    quit(result, text);
}
inline void quitif(bool condition, TResult result, const char* form, ...) {
    if (!condition) return;
    TESTLIB_FORMATTED(form, text)
    quit(result, text);
}
[[noreturn]] inline void quitp(double points, const std::string& message = "") {
    std::ostringstream out;
    out << std::setprecision(10) << points;
    testlib_leave(_points, message.empty() ? out.str() : out.str() + " " + message);
}
template <typename... A> [[noreturn]] void quitp(double points, const char* form, A... arguments) {
    quitp(points, format(form, arguments...));
}
template <typename... A> [[noreturn]] void quitpi(const std::string& info, const char* form, A... arguments) {
    testlib_leave(_points, info + " " + format(form, arguments...));
}
inline void testlib_ensured(bool condition, const std::string& message) {
    if (condition) return;
    if (testlibMode == _validator || testlibMode == _checker || testlibMode == _interactor) quit(_fail, message);
    testlib_leave(_fail, message);
}
#define ensure(condition) testlib_ensured((condition), "Condition failed: \"" #condition "\"")
template <typename... A> void ensuref(bool condition, const char* form, A... arguments) {
    if (!condition) testlib_ensured(false, format(form, arguments...));
}
template <typename T> [[noreturn]] void expectedButFound(TResult result, T expected, T found, const char* form = "", ...) {
    TESTLIB_FORMATTED(form, text)
    const std::string prefix = text.empty() ? "" : text + ": ";
    std::ostringstream out;
    out << std::setprecision(12) << prefix << "expected '" << expected << "', found '" << found << "'";
    quit(result, out.str());
}

// ---- Beginning ----------------------------------------------------------------------------------

inline void testlib_open(int count, int needed, const char* usage) {
    if (count < needed) testlib_leave(_fail, std::string("usage: ") + usage);
}
inline void registerTestlibCmd(int argc, char* argv[]) {
    testlibMode = _checker;
    testlib_open(argc, 4, "checker input output answer [report]");
    if (argc > 4) testlib_report = argv[4];
    inf.init(argv[1], _input);
    ans.init(argv[3], _answer);
    ouf.init(argv[2], _output);
}
inline void registerTestlib(int argc, ...) {
    va_list arguments;
    va_start(arguments, argc);
    std::vector<char*> argv(1, nullptr);
    for (int i = 0; i < argc; i++) argv.push_back(va_arg(arguments, char*));
    va_end(arguments);
    registerTestlibCmd(argc + 1, argv.data());
}
inline void registerInteraction(int argc, char* argv[]) {
    testlibMode = _interactor;
    testlib_open(argc, 3, "interactor input output [answer [report]]");
    if (argc > 4) testlib_report = argv[4];
    inf.init(argv[1], _input);
    tout.open(argv[2], std::ios_base::out);
    if (!tout) testlib_leave(_fail, std::string("cannot write ") + argv[2]);
    ouf.init(stdin, _output);
    if (argc > 3) ans.init(argv[3], _answer);
}
inline void registerValidation() {
    testlibMode = _validator;
    inf.init(stdin, _input);
    inf.strict = true;
}
inline void registerValidation(int, char**) { registerValidation(); }
inline void registerGen(int argc, char* argv[], int = 1) {
    testlibMode = _generator;
    rnd.setSeed(argc, argv);
}

#endif
