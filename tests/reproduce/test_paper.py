from lcv_mm.reproduce.paper import METRICS, read_rows


def test_the_tables_hold_the_papers_numbers():
    rows = {row.config: row for row in read_rows()}
    # read off the paper's text, one of each table
    assert rows['lcv_bcnn_vgg16_cub448'].paper == 75.18
    assert rows['cbp_vgg16_cub224'].paper == 72.75
    assert rows['lcv_hbp_resnet18_dogs224'].paper == 80.01
    assert rows['lcv_cbp_vgg16_flower224'].paper == 91.03
    quoted = {row.config: row.metric for row in rows.values() if row.quoted}
    assert quoted == {
        'phpq_resnet18_cub448': 'retrieval/mAP',
        'gca_vitb16_cub448': 'cluster_accuracy/Old',
        'phpq_resnet18_dogs224': 'retrieval/mAP',
    }
    assert {row.metric for row in rows.values() if not row.quoted} == {'accuracy/top1'}
    assert {row.metric for row in rows.values()} == {*METRICS}
