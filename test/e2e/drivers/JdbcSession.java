import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.HexFormat;
import java.util.Properties;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyManager;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/** A session of the JDBC driver with all it can do; prints what it saw. Arguments: URL, user, password. */
public class JdbcSession {
  static final String ROMANS = "select * from place where name = ? order by id";
  static final String PAIRS =
      "select p.id, v.rating, v.at from place p join visit v using (region_id)"
          + " where v.place_id = p.id and p.name = ? and p.id > ? order by p.id";

  interface Action {
    void run() throws Exception;
  }

  public static void main(String[] args) throws Exception {
    for (String mode : new String[] {"extended", "extendedForPrepared", "extendedCacheEverything", "simple"}) {
      Properties properties = new Properties();
      properties.setProperty("user", args[1]);
      properties.setProperty("password", args[2]);
      properties.setProperty("preferQueryMode", mode);
      properties.setProperty("prepareThreshold", "3");
      System.out.println("== " + mode);
      try (Connection connection = DriverManager.getConnection(args[0], properties)) {
        statements(connection);
        transactions(connection);
        if (mode.equals("extended")) {
          cursors(connection);
          batches(connection);
          copy(connection);
          metaData(connection);
          cancel(connection, args, properties);
        }
      }
    }
  }

  /** More often than prepareThreshold: from then on by name, and in binary. */
  static void statements(Connection connection) throws Exception {
    try (PreparedStatement romans = connection.prepareStatement(ROMANS);
        PreparedStatement pairs = connection.prepareStatement(PAIRS)) {
      for (String name : new String[] {"Rome", "Ü€😀", "Nowhere", "Rome", "Rome", "Rome", "Rome"}) {
        romans.setString(1, name);
        print(romans.executeQuery());
      }
      for (int least = 0; least < 60_000; least += 10_000) {
        pairs.setString(1, "Rome");
        pairs.setInt(2, least);
        print(pairs.executeQuery());
      }
      print(romans.getMetaData());
      System.out.println(pairs.getParameterMetaData().getParameterTypeName(2));
    }
    try (Statement statement = connection.createStatement()) {
      print(statement.executeQuery("select id, seen from place where name = 'Rome' order by id"));
      boolean isResult = statement.execute("select id from place where name = 'Rome' order by id; select 2; set application_name = 'x'");
      while (isResult || statement.getUpdateCount() != -1) {
        if (isResult) print(statement.getResultSet());
        else System.out.println(statement.getUpdateCount());
        isResult = statement.getMoreResults();
      }
      failing(() -> statement.executeQuery("select 'Ü€😀', nome from place where name = 'Rome'"));
      failing(() -> statement.executeQuery("select id from place where name = 'Rome' and id = 'x'"));
      failing(() -> statement.executeQuery("select id / (id - id) from place where name = 'Rome'"));
      failing(() -> statement.executeUpdate("insert into note (id, text, amount) overriding system value values (0, 'x', -1)"));
    }
  }

  static void transactions(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
    try (PreparedStatement romans = connection.prepareStatement(ROMANS);
        Statement statement = connection.createStatement()) {
      romans.setString(1, "Rome");
      print(romans.executeQuery());
      Savepoint savepoint = connection.setSavepoint("s");
      failing(() -> statement.executeQuery("select nonsense"));
      failing(() -> romans.executeQuery());
      connection.rollback(savepoint);
      print(romans.executeQuery());
      statement.executeUpdate("begin");
      for (SQLWarning warning = statement.getWarnings(); warning != null; warning = warning.getNextWarning())
        System.out.println(warning);
    }
    connection.rollback();
    connection.setReadOnly(true);
    try (Statement statement = connection.createStatement()) {
      failing(() -> statement.executeUpdate("insert into note (text) values ('x')"));
    }
    connection.rollback();
    connection.setReadOnly(false);
    connection.setAutoCommit(true);
  }

  /** Portals with a row limit, read to the end and given up. */
  static void cursors(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    try (PreparedStatement romans = connection.prepareStatement(ROMANS)) {
      romans.setString(1, "Rome");
      for (int repetition = 0; repetition < 6; repetition++) {
        romans.setFetchSize(repetition + 2);
        print(romans.executeQuery());
        ResultSet begun = romans.executeQuery();
        begun.next();
        System.out.println(begun.getInt(1));
        begun.close();
      }
    }
    try (Statement scrolling = connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_READ_ONLY)) {
      ResultSet rows = scrolling.executeQuery("select id from place where name = 'Rome' order by id");
      rows.last();
      System.out.println(rows.getRow() + " " + rows.getInt(1));
    }
    connection.rollback();
    connection.setAutoCommit(true);
  }

  static void batches(Connection connection) throws Exception {
    connection.setAutoCommit(false);
    try (PreparedStatement insert = connection.prepareStatement("insert into note (text, amount) values (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
      for (int i = 0; i < 500; i++) {
        insert.setString(1, "batch " + i);
        insert.setInt(2, i);
        insert.addBatch();
      }
      System.out.println(insert.executeBatch().length);
      int keys = 0;
      for (ResultSet generated = insert.getGeneratedKeys(); generated.next(); ) keys++;
      System.out.println(keys);
    }
    try (PreparedStatement insert = connection.prepareStatement("insert into note (text) values (?)", new String[] {"text"})) {
      insert.setString(1, "one");
      insert.executeUpdate();
      print(insert.getGeneratedKeys());
    }
    Savepoint savepoint = connection.setSavepoint();
    try (Statement statement = connection.createStatement()) {
      statement.addBatch("insert into note (text, amount) values ('a', 1)");
      statement.addBatch("insert into note (id, text, amount) overriding system value values (0, 'b', -1)");
      statement.addBatch("insert into note (text, amount) values ('c', 1)");
      try {
        statement.executeBatch();
      } catch (BatchUpdateException error) {
        System.out.println(java.util.Arrays.toString(error.getUpdateCounts()) + " " + error.getMessage());
      }
      connection.rollback(savepoint);
      print(statement.executeQuery("select count(*), sum(amount) from note where text like 'batch%'"));
    }
    connection.rollback();
    connection.setAutoCommit(true);
  }

  static void copy(Connection connection) throws Exception {
    CopyManager copies = connection.unwrap(PGConnection.class).getCopyAPI();
    connection.setAutoCommit(false);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 5_000; i++) lines.append("Ü€😀 ").append(i).append('\t').append(i).append('\n');
    byte[] bytes = lines.toString().getBytes(StandardCharsets.UTF_8);
    System.out.println(copies.copyIn("copy note (text, amount) from stdin", new ByteArrayInputStream(bytes)));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    System.out.println(copies.copyOut("copy (select text, amount from note order by amount) to stdout", out));
    System.out.println(java.util.Arrays.equals(bytes, out.toByteArray()));
    failing(() -> copies.copyIn("copy note (text, amount) from stdin", new ByteArrayInputStream("x\ty\n".getBytes(StandardCharsets.UTF_8))));
    connection.rollback();
    connection.setAutoCommit(true);
  }

  static void metaData(Connection connection) throws Exception {
    DatabaseMetaData metaData = connection.getMetaData();
    System.out.println(metaData.getDatabaseProductVersion() + " " + metaData.getMaxColumnNameLength());
    print(metaData.getTables(null, "public", "%", new String[] {"TABLE"}));
    print(metaData.getColumns(null, "public", "place", "%"));
    print(metaData.getPrimaryKeys(null, "public", "place"));
    print(metaData.getIndexInfo(null, "public", "visit", false, false));
    print(metaData.getTypeInfo());
    print(metaData.getFunctions(null, "pg_catalog", "current_s%"));
  }

  static void cancel(Connection connection, String[] args, Properties properties) throws Exception {
    try (Statement sleeping = connection.createStatement();
        Connection other = DriverManager.getConnection(args[0], properties)) {
      int pid = connection.unwrap(PGConnection.class).getBackendPID();
      Thread canceler = new Thread(() -> {
        try (PreparedStatement ask = other.prepareStatement("select 1 from pg_stat_activity where pid = ? and wait_event = 'PgSleep'")) {
          ask.setInt(1, pid);
          while (!ask.executeQuery().next()) Thread.sleep(10);
          sleeping.cancel();
        } catch (Exception error) {
          System.out.println(error);
        }
      });
      canceler.start();
      failing(() -> sleeping.executeQuery("select pg_sleep(60)"));
      canceler.join();
      sleeping.setQueryTimeout(1);
      failing(() -> sleeping.executeQuery("select pg_sleep(60)"));
      sleeping.setQueryTimeout(0);
      print(sleeping.executeQuery("select id from place where name = 'Rome' order by id"));
    }
  }

  static void failing(Action action) throws Exception {
    try {
      action.run();
      System.out.println("no error");
    } catch (PSQLException error) {
      ServerErrorMessage message = error.getServerErrorMessage();
      System.out.println(error.getSQLState() + " " + error.getMessage());
      if (message != null)
        System.out.println(message.getPosition() + " " + message.getRoutine() + " " + message.getLine() + " " + message.getWhere() + " " + message.getConstraint());
    } catch (SQLException error) {
      System.out.println(error.getSQLState() + " " + error.getMessage());
    }
  }

  static void print(ResultSetMetaData columns) throws SQLException {
    for (int i = 1; i <= columns.getColumnCount(); i++)
      System.out.print(columns.getColumnLabel(i) + ":" + columns.getColumnTypeName(i) + ":" + columns.getColumnClassName(i)
          + ":" + columns.getPrecision(i) + ":" + columns.getScale(i) + ":" + columns.isNullable(i) + ":" + columns.getTableName(i) + " ");
    System.out.println();
  }

  /** An array of bytes has no text of its own, but where it was. */
  static String text(ResultSet rows, int column) throws SQLException {
    boolean isBytes = rows.getMetaData().getColumnTypeName(column).equals("bytea");
    return isBytes ? HexFormat.of().formatHex(rows.getBytes(column)) : rows.getString(column);
  }

  static void print(ResultSet rows) throws SQLException {
    print(rows.getMetaData());
    int count = rows.getMetaData().getColumnCount();
    while (rows.next()) {
      StringBuilder line = new StringBuilder();
      for (int i = 1; i <= count; i++) line.append(text(rows, i)).append(" | ");
      System.out.println(line);
    }
    rows.close();
  }
}
