from pathlib import Path

from lcv_mm.paper import markdown_tables, read_rows


def test_the_tables_hold_the_papers_numbers():
    rows = {row.config: row for row in read_rows()}
    assert len(rows) == 32
    # read off the paper's text, one of each table
    assert rows['lcv_bcnn_vgg16_cub448'].top1 == 75.18
    assert rows['cbp_vgg16_cub224'].top1 == 72.75
    assert rows['lcv_hbp_resnet18_dogs224'].top1 == 80.01
    assert rows['lcv_cbp_vgg16_flower224'].top1 == 91.03
    assert [sum(row.table == table for row in rows.values()) for table in (1, 2, 3, 4)] == [9, 7, 8, 8]
    assert {row.config for row in rows.values() if row.quoted} == {
        'phpq_resnet18_cub448',
        'gca_vitb16_cub448',
        'phpq_resnet18_dogs224',
    }


def test_the_page_of_the_configs_shows_the_tables_as_they_are():
    readme = (Path(__file__).parents[2] / 'configs/README.md').read_text(encoding='utf-8')
    assert markdown_tables(read_rows()) in readme
